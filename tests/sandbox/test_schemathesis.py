"""schemathesis against the running sandbox: it answers as described, also to what nobody should send."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation

from bidclient.resource import read_bytes
from tests.sandbox.conftest import DEADLINE, NOW, Template
from tests.support.firms import Firm, make_bid, small_tender
from tests.support.sandbox import local_sandbox

load_all_checks()
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
# A well-formed request may still be refused: what is signed decides, and schemathesis cannot sign.
LEFT_OUT = {"positive_data_acceptance"}
REFUSED = [400, 401, 403, 404, 405, 409, 412, 415, 422]
ALL: list[Any] = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
CONFIG = schemathesis.Config.from_dict(
    {
        # Headers and query parameters that nobody knows are passed over, as HTTP wants it.
        "generation": {"allow-extra-parameters": False},
        "checks": {
            "negative_data_rejection": {"expected-statuses": [*REFUSED, 410, 413, 460]},
            "missing_required_header": {"expected-statuses": REFUSED},
        },
    }
)
DESCRIPTION = schemathesis.openapi.from_dict(yaml.safe_load(read_bytes("openapi.yaml")), config=CONFIG)


@dataclass
class Ground:
    """A running sandbox with something under every address, and a firm that is logged in."""

    firm: Firm
    ids: dict[str, str]
    spare_upload: str

    def headers(self, method: str, path: str) -> dict[str, str]:
        """The token; another one for what ends its session."""
        firm = self.firm
        if (method, path) == ("DELETE", "/v1/session"):
            firm = Firm(firm.url, firm.keys, firm.now).log_in()
        return {"Authorization": str(firm.http.headers["Authorization"])}


@pytest.fixture(scope="module")
def ground(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("schemathesis")
    with local_sandbox(template.copy(folder / "data"), NOW) as sandbox:
        tender = sandbox.world.announce(small_tender(sandbox.world, DEADLINE), {}).tender
        lot = tender.lot.id
        firm = Firm(sandbox.url, template.keys[0], NOW).log_in()
        receipt = firm.submit(lot, make_bid(folder / "1", tender, firm.keys, NOW))
        waiting, spare = (
            firm.create(lot, make_bid(folder / name, tender, firm.keys, NOW).stub).json()["upload_url"]
            for name in ("2", "3")
        )
        ids = {
            "lot": lot,
            "submission": receipt["submission"],
            "upload": waiting.rsplit("/", 1)[1],
            "opening": sandbox.world.lot(lot).opening,
        }
        yield Ground(firm, ids, spare.rsplit("/", 1)[1])


def spoiled(case: Any, part: ParameterLocation) -> bool:
    """Whether this part of the request is wrong on purpose."""
    component = case.meta.components.get(part)
    return component is not None and component.mode.is_negative


def aimed(ground: Ground, case: Any) -> Any:
    """The case at things that are there; one in four stays at what is not."""
    for name, value in () if spoiled(case, ParameterLocation.PATH) else (case.path_parameters or {}).items():
        if name in ground.ids and sum(str(value).encode()) % 4:
            case.path_parameters[name] = ground.ids[name]
            if case.method == "DELETE":
                case.path_parameters[name] = ground.spare_upload
    if case.query and case.query.get("wait"):
        case.query["wait"] = min(case.query["wait"], 1) if isinstance(case.query["wait"], int) else "x"
    return case


@DESCRIPTION.exclude(path_regex="/events$").parametrize()
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
def test_the_sandbox_does_what_is_described(case: Any, ground: Ground) -> None:
    aimed(ground, case)
    headers = {}
    if not spoiled(case, ParameterLocation.HEADER) or "Authorization" in case.headers:
        headers = ground.headers(case.method, case.path)
    case.call_and_validate(base_url=ground.firm.url, headers=headers, checks=ALL, timeout=30)
