"""resources/mobile-ca.yaml is valid, names the reference server's routes, and its shapes are the code's."""

from typing import Any, get_args

import jsonschema
import msgspec
import pytest
import requests
import yaml
from openapi_spec_validator import validate

from bidclient.ask import PhoneRequest
from bidclient.keys import phone_wire
from bidclient.keys.mobile import MobileSource
from bidclient.keys.phone_wire import SESSIONS
from bidclient.network.clock import ticks
from bidclient.network.mobile import MobileLine
from bidclient.resource import read_bytes
from bidclient.sandbox.app import ROUTES
from bidclient.sandbox.problems import PROBLEMS
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.sandbox import LocalSandbox

DOCUMENT: dict[str, Any] = yaml.safe_load(read_bytes("mobile-ca.yaml"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
STRUCTS = ["NewSession", "Digest", "EncryptedKey", "OpenedSession", "SessionState"]


def checked(name: str, value: object) -> None:
    """Judge a value by its schema in the description."""
    root = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(root).validate(value)


def test_the_description_is_valid() -> None:
    validate(DOCUMENT)
    broken = {**DOCUMENT, "paths": {SESSIONS: {"get": {"responses": "none"}}}}
    with pytest.raises(Exception, match="none"):
        validate(broken)


def test_it_describes_every_route_of_programs_and_no_other() -> None:
    served = {
        (method, route.path)
        for route in ROUTES
        if route.path.startswith("/mobile/")
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == served
    codes = [
        code
        for item in DOCUMENT["paths"].values()
        for name, operation in item.items()
        if name != "parameters"
        for code in operation["x-problem-codes"]
    ]
    assert set(codes) <= set(PROBLEMS)


@pytest.mark.parametrize("name", STRUCTS)
def test_the_wires_shapes_are_the_described_ones(name: str) -> None:
    struct = getattr(phone_wire, name)
    _, components = msgspec.json.schema_components([struct], ref_template="#/{name}")
    ours, described = components[name], SCHEMAS[name]
    assert list(ours["properties"]) == list(described["properties"])
    assert ours.get("required", []) == described.get("required", [])
    assert ours.get("additionalProperties", True) == described.get("additionalProperties", True)


def test_the_states_are_the_described_ones() -> None:
    assert list(get_args(phone_wire.State)) == SCHEMAS["State"]["enum"]


def test_what_goes_over_the_wire_fits_the_description(sandbox: LocalSandbox, tmp_path: Any) -> None:
    seen: list[tuple[str, bytes, bytes]] = []

    class Watched(MobileLine):
        def send(self, method: str, path: str, body: bytes = b"", **how: Any) -> bytes:
            reply = super().send(method, path, body, **how)
            seen.append((method, body, reply))
            return reply

    player = PhonePlayer(sandbox.url)
    player.add("手机示范建设有限公司", "91629999TBX00001XU")
    source = MobileSource(Watched(sandbox.url), tmp_path / "phone.pem", ticks)

    def act(request: PhoneRequest) -> None:
        player.approve(request)

    person = PhonePerson(act)
    source.pair(person)
    person.check()
    assert {method for method, _, _ in seen} == {"POST", "GET", "DELETE"}
    for method, body, reply in seen:
        if method == "POST":
            checked("NewSession", msgspec.json.decode(body))
            checked("OpenedSession", msgspec.json.decode(reply))
        if method == "GET":
            checked("SessionState", msgspec.json.decode(reply))
    with pytest.raises(jsonschema.ValidationError):
        checked("NewSession", {"operation": "dance", "nonce": "AAAA"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "login"}, "bad-request"),
        ({"operation": "login", "nonce": "AAAA", "surprise": 1}, "bad-request"),
        ({"operation": "login", "nonce": "A"}, "bad-request"),
        ({"operation": "sign", "nonce": "AAAA"}, "bad-request"),
        ({"operation": "unwrap", "nonce": "AAAA", "certificate": "0" * 64}, "cert-unknown"),
        ({"operation": "login", "nonce": "AAAA", "return_point": "AAAA", "encrypted_keys": []}, None),
    ],
)
def test_requests_that_contradict_themselves_are_refused(
    sandbox: LocalSandbox, body: dict[str, object], code: str | None
) -> None:
    headers = {"Idempotency-Key": "k"}
    answer = requests.post(f"{sandbox.url}{SESSIONS}", json=body, headers=headers, timeout=20)
    if code is None:
        assert answer.status_code == 201
        checked("OpenedSession", answer.json())
    else:
        assert answer.json()["code"] == code
        checked("Problem", answer.json())
