"""The network describes itself: resources/openapi.yaml as JSON."""

from functools import cache

import msgspec
import yaml
from starlette.responses import Response
from starlette.routing import Route

from bidclient.resource import read_bytes
from bidclient.sandbox.web import Action, Call, resource


@cache
def openapi_json() -> bytes:
    """The description as JSON bytes."""
    return msgspec.json.encode(yaml.safe_load(read_bytes("openapi.yaml")))


def openapi(_call: Call) -> Response:
    """GET /v1/openapi.json."""
    return Response(openapi_json(), media_type="application/json")


ROUTES: list[Route] = [resource("/v1/openapi.json", GET=Action(openapi, public=True))]
