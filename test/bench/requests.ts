import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'

/** An ExportLogsServiceRequest like those of an instrumented service: 8 attributes, 10 resource attributes, 160-byte bodies. */
export function exampleRequest(records: number): Uint8Array {
  const seconds = Math.floor(Date.now() / 1_000)
  const resource = {
    attributes: {
      'service.name': 'checkout',
      'service.version': '2.14.3',
      'service.instance.id': '0f5b7d6e-52c1-4a8e-9b57-1a3f8d2c9e10',
      'deployment.environment.name': 'production',
      'k8s.namespace.name': 'shop',
      'k8s.pod.name': 'checkout-7d9c6b5f4-x2x9k',
      'k8s.node.name': 'ip-10-0-12-34.eu-central-1.compute.internal',
      'cloud.region': 'eu-central-1',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
    },
  }
  // One object, as in an SDK: the serializer groups records by it.
  const instrumentationScope = { name: 'checkout.orders', version: '1.4.0' }
  const batch = Array.from({ length: records }, (_, i) => ({
    hrTime: [seconds, i * 1_000],
    hrTimeObserved: [seconds, i * 1_000],
    severityNumber: 9,
    severityText: 'INFO',
    body: `order ${i} accepted for customer "c-${i % 97}" with 3 items; payment authorised, shipment scheduled`.padEnd(
      160,
      '.',
    ),
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/api/v1/orders',
      'http.response.status_code': 201,
      'http.route': '/api/v1/orders',
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      'order.total': 149.9,
      'order.express': i % 2 === 0,
      'order.id': i,
    },
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    spanContext: { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708', traceFlags: 1 },
  }))
  const bytes = ProtobufLogsSerializer.serializeRequest(batch as unknown as ReadableLogRecord[])
  if (bytes === undefined) throw new Error('the example could not be serialized')
  return bytes
}
