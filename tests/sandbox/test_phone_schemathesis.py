"""schemathesis against the phone authority: it answers as described, also to what nobody should send."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.parameters import ParameterLocation

from bidclient.keys.phone_wire import SESSIONS
from bidclient.resource import read_bytes
from bidclient.sandbox.phone import LONGEST_WAIT
from tests.sandbox.conftest import NOW, Template
from tests.sandbox.test_schemathesis import ALL, CONFIG, spoiled
from tests.support.sandbox import local_sandbox

DESCRIPTION = schemathesis.openapi.from_dict(yaml.safe_load(read_bytes("mobile-ca.yaml")), config=CONFIG)

WAITS = {str(number) for number in range(LONGEST_WAIT + 1)}
"""Nobody has the time to wait for all that may be waited for."""


@pytest.fixture(scope="module")
def authority(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local_sandbox(template.copy(tmp_path_factory.mktemp("phone") / "data"), NOW) as sandbox:
        yield sandbox.url


@contextmanager
def opened(url: str) -> Iterator[dict[str, Any]]:
    """A session of our own, closed with the block: nobody may have many open."""
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    body = {"operation": "login", "nonce": "AAAA"}
    answer: dict[str, Any] = requests.post(url + SESSIONS, json=body, headers=headers, timeout=20).json()
    yield answer
    headers = {"Authorization": f"Bearer {answer['secret']}"}
    requests.delete(f"{url}{SESSIONS}/{answer['id']}", headers=headers, timeout=20)


@DESCRIPTION.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
def test_the_authority_does_what_is_described(case: Any, authority: str) -> None:
    with opened(authority) as session:
        headers = {}
        if not spoiled(case, ParameterLocation.PATH) and case.path_parameters:
            case.path_parameters["session"] = session["id"]
        if case.query and str(case.query.get("wait")) in WAITS:
            case.query["wait"] = 0
        if not spoiled(case, ParameterLocation.HEADER) or "Authorization" in case.headers:
            headers = {"Authorization": f"Bearer {session['secret']}"}
        case.call_and_validate(base_url=authority, headers=headers, checks=ALL, timeout=30)
    # One client may not have very many open.
    own = {"Authorization": f"Bearer {session['secret']}"}
    requests.delete(f"{authority}{SESSIONS}/{session['id']}", headers=own, timeout=20)
