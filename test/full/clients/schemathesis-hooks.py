# Gives each generated request an idempotency key of its own.
import uuid

import schemathesis


@schemathesis.hook
def map_headers(context, headers):
    return {**(headers or {}), "Idempotency-Key": str(uuid.uuid4())}
