"""resources/openapi.yaml is valid, speaks of exactly the routes that exist, and of the wire's own shapes."""

from typing import Any

import msgspec
import pytest
import requests
import yaml
from openapi_spec_validator import validate

from bidclient.network import wire
from bidclient.resource import read_bytes
from bidclient.sandbox.app import ROUTES
from bidclient.sandbox.problems import PROBLEMS
from tests.support.sandbox import LocalSandbox

DOCUMENT: dict[str, Any] = yaml.safe_load(read_bytes("openapi.yaml"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = {"get", "head", "post", "patch", "delete", "options", "put"}
STRUCTS = [
    value
    for value in vars(wire).values()
    if isinstance(value, type)
    and issubclass(value, wire.Reply | wire.Request)
    and value not in (wire.Reply, wire.Request)
]


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_description_is_valid() -> None:
    validate(DOCUMENT)
    broken = {**DOCUMENT, "paths": {"/v1/time": {"get": {"responses": "none"}}}}
    with pytest.raises(Exception, match="none"):
        validate(broken)


def test_it_describes_every_route_and_no_other() -> None:
    served = {
        (method, route.path)
        for route in ROUTES
        if route.path.startswith("/v1/")
        for method in route.methods or ()
    }
    described = set(operations())
    assert described <= served
    implied = {("HEAD", path) for method, path in described if method == "GET"}
    assert served - described <= implied


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_the_wires_shapes_are_the_described_ones(struct: type) -> None:
    _, components = msgspec.json.schema_components([struct], ref_template="#/{name}")
    ours, described = components[struct.__name__], SCHEMAS[struct.__name__]
    assert list(ours["properties"]) == list(described["properties"])
    assert ours.get("required", []) == described.get("required", [])
    closed = issubclass(struct, wire.Request)
    assert described.get("additionalProperties", True) is not closed


def test_every_problem_has_its_status_in_the_operation() -> None:
    for (method, path), operation in operations().items():
        for code in operation["x-problem-codes"]:
            assert str(PROBLEMS[code][0]) in operation["responses"], (method, path, code)
    named = {code for operation in operations().values() for code in operation["x-problem-codes"]}
    general = {"method-not-allowed", "unavailable", "internal", "forbidden-host"}
    assert set(PROBLEMS) - general == named


def test_every_reference_leads_somewhere() -> None:
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.extend(value for key, value in node.items() if key == "$ref")
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DOCUMENT)
    used = set(found)
    for reference in used:
        node: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    defined = {
        f"#/components/{kind}/{name}"
        for kind, members in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in members
    }
    assert defined == used


def test_the_network_serves_it(sandbox: LocalSandbox) -> None:
    answer = requests.get(f"{sandbox.url}/v1/openapi.json", timeout=20)
    assert answer.json() == DOCUMENT
