"""Logs messages with fapilog's own CloudWatch sink, configured by its environment variables alone.

Reads a JSON list of messages from the file that is named; prints what `stop_and_drain` reports.
"""

import asyncio
import json
import sys

from fapilog import get_async_logger
from fapilog.core.settings import CoreSettings, Settings


async def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        messages = json.load(file)
    core = CoreSettings(sinks=["cloudwatch"], enable_redactors=False, drop_on_full=False)
    logger = await get_async_logger("app", settings=Settings(core=core))
    for message in messages:
        await logger.info(message)
    result = await logger.stop_and_drain()
    print(json.dumps({"submitted": result.submitted, "processed": result.processed, "dropped": result.dropped}))


asyncio.run(main())
