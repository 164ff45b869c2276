"""Sends the same records through each of the SDK's exporters: one service for each.

python sdk-python-send.py GRPC_PORT HTTP_PORT BASE_MS
"""

import logging
import math
import sys

import grpc
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

grpc_port, http_port, base_ms = (int(argument) for argument in sys.argv[1:])

GRPC = f"http://127.0.0.1:{grpc_port}"
HTTP = f"http://127.0.0.1:{http_port}/v1/logs"
EXPORTERS = {
    "grpc": GrpcExporter(endpoint=GRPC),
    "grpc-gzip": GrpcExporter(endpoint=GRPC, compression=grpc.Compression.Gzip),
    "http": HttpExporter(endpoint=HTTP),
    "http-gzip": HttpExporter(endpoint=HTTP, compression=Compression.Gzip),
}

SPAN = SpanContext(
    trace_id=0x0102030405060708090A0B0C0D0E0F10,
    span_id=0x0102030405060708,
    is_remote=False,
    trace_flags=TraceFlags(1),
)

# In the order of time, one a millisecond.
RECORDS = [
    {
        "body": "every kind of attribute",
        "severity_number": SeverityNumber.INFO,
        "severity_text": "INFO",
        "attributes": {
            "text": 'Grüße "quoted" \\ <b>&\u2028 😀 tab\t line\n',
            "empty text": "",
            "true": True,
            "false": False,
            "int": 17,
            "largest int": 2**63 - 1,
            "smallest int": -(2**63),
            "float": 0.1,
            "whole float": 3.0,
            "tiny float": 5e-324,
            "nan": math.nan,
            "infinity": -math.inf,
            "bytes": b"\x00\xff\xfe",
            "texts": ["a", "b"],
            "ints": [1, 2, 2**53 + 1],
            "empty list": [],
            "mixed": ["a", 1, True, 2.5],
            "map": {"key": {"deeper": [1, {"deepest": "x"}]}},
        },
    },
    {"body": {"order": 17, "items": [{"sku": "a-1", "count": 2}], "note": None}},
    {"body": ["a", 1, {"b": 2}]},
    {"body": b"binary"},
    {"body": 42},
    {"body": False},
    {"body": ""},
    {"body": None, "attributes": {"only": "attributes"}},
    {"body": "with a span", "context": set_span_in_context(NonRecordingSpan(SPAN))},
    {"body": "an event", "event_name": "session.start", "severity_number": SeverityNumber.ERROR4},
]

for name, exporter in EXPORTERS.items():
    resource = Resource({"service.name": name, "replicas": 3, "zones": ["a", "b"], "canary": True})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("shop", "1.2.3", attributes={"team": "payments"})
    for index, record in enumerate(RECORDS):
        logger.emit(LogRecord(timestamp=(base_ms + index) * 1_000_000 + 999_999, **record))
    handler = LoggingHandler(logger_provider=provider)
    standard = logging.getLogger(f"app.{name}")
    standard.addHandler(handler)
    standard.warning("paid %s", "order 17", extra={"order.id": 17})
    if not provider.force_flush():
        sys.exit(f"{name}: the flush failed")
    provider.shutdown()
