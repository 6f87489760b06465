"""What Schemathesis cannot know of this API: lines of JSON, and that a device has credentials of its own."""

import json
import os

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.path.startswith("/api/v1/ingest/"):
        case.headers["Authorization"] = os.environ["DEVICE_AUTHORIZATION"]
