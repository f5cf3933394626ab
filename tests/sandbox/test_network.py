"""Login, lots, tenders, faults, the clock and the door of the sandbox."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from bidclient.crypto.certificate import Certificate
from bidclient.errors import Busy, SettingProblem, Unreachable
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.sandbox.clock import Clock, machine_time
from bidclient.sandbox.pki import create_authority, issue_bidder, revoke
from bidclient.sandbox.process import find_levers
from bidclient.sandbox.process import running_sandbox as demo_sandbox
from bidclient.sandbox.serve import HOST, READY, listen, run
from bidclient.stages.submitted import LoginStatement
from bidclient.stages.tender import read_tender, verify_tender
from tests.sandbox.conftest import NOW, Market, NewMarket, Template
from tests.support.firms import USCCS, Firm, code_of
from tests.support.sandbox import LocalSandbox, running_sandbox


def test_the_network_says_what_it_is(sandbox: LocalSandbox) -> None:
    info = requests.get(f"{sandbox.url}/v1/network", timeout=20).json()
    assert info["kind"] == "sandbox"
    identity = Certificate.from_pem(info["identity"].encode())
    assert identity.der == Certificate.from_pem((sandbox.trust / "identity.pem").read_bytes()).der
    assert parse_instant(requests.get(f"{sandbox.url}/v1/time", timeout=20).json()["now"]) == NOW


def test_a_login_needs_a_fresh_nonce_of_this_network_and_a_good_certificate(
    sandbox: LocalSandbox, template: Template
) -> None:
    firm = Firm(sandbox.url, template.keys[0], NOW).log_in()
    assert firm.call("GET", "/v1/session").json()["uscc"] == USCCS[0]

    def log_in(other: Firm, nonce: str, network: str) -> str:
        statement = LoginStatement(format="bidnet/login", version=1, network=network, nonce=nonce)
        answer = other.say("/v1/login/certificate", statement)
        return "" if answer.ok else code_of(answer)

    def nonce() -> str:
        return str(firm.call("POST", "/v1/challenges", json={}).json()["nonce"])

    used = nonce()
    assert log_in(firm, used, firm.network) == ""
    assert log_in(firm, used, firm.network) == "nonce-invalid"
    assert log_in(firm, nonce(), "another network") == "statement-mismatch"
    short = issue_bidder(sandbox.data, "短期公司", USCCS[1], "p-256", machine_time() + timedelta(hours=1))
    assert log_in(Firm(sandbox.url, short, NOW), nonce(), firm.network) == "cert-expired"
    revoke(sandbox.data, template.keys[2].signing_cert, NOW)
    assert log_in(Firm(sandbox.url, template.keys[2], NOW), nonce(), firm.network) == "cert-revoked"


def test_a_stranger_is_not_known(sandbox: LocalSandbox, tmp_path: Path) -> None:
    create_authority(tmp_path / "elsewhere", NOW)
    stranger = issue_bidder(tmp_path / "elsewhere", "外地公司", USCCS[0], "p-256")
    with pytest.raises(AssertionError, match="cert-unknown"):
        Firm(sandbox.url, stranger, NOW).log_in()


def test_without_a_session_there_is_nothing_to_see(market: Market) -> None:
    answer = requests.get(f"{market.sandbox.url}/v1/lots", timeout=20)
    assert code_of(answer) == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    firm = market.firms[0]
    assert firm.call("DELETE", "/v1/session").status_code == 204
    assert code_of(firm.call("GET", "/v1/lots")) == "unauthorized"


def test_lots_come_in_pages(new_market: NewMarket) -> None:
    lots = [new_market(1).lot for _ in range(3)]
    firm = new_market(1).firms[0]
    first = firm.call("GET", "/v1/lots?limit=2").json()
    assert [lot["id"] for lot in first["lots"]] == lots[:2]
    second = firm.call("GET", f"/v1/lots?limit=2&after={first['next']}").json()
    assert [lot["id"] for lot in second["lots"]][:1] == lots[2:]
    assert second["next"] is None
    assert firm.call("GET", "/v1/lots?state=failed").json()["lots"] == []
    assert code_of(firm.call("GET", "/v1/lots?limit=0")) == "bad-request"
    assert code_of(firm.call("GET", "/v1/lots/L0")) == "not-found"


def test_the_tender_is_the_networks_and_old_versions_stay(market: Market, tmp_path: Path) -> None:
    firm, lot = market.firms[0], market.lot
    market.sandbox.control(f"lots/{lot}/amend", {"change_summary": "澄清一"})
    answer = firm.call("GET", f"/v1/lots/{lot}/tender")
    (tmp_path / "t.tender").write_bytes(answer.content)
    package = read_tender(tmp_path / "t.tender")
    verify_tender(package, market.sandbox.world.authority.anchors, NOW)
    assert answer.headers["ETag"] == f'"{package.sha256}"'
    assert answer.headers["Content-Type"] == "application/vnd.bidclient.tender+zip"
    assert (package.tender.tender_version, package.tender.replaces) == (2, market.package.sha256)
    view = firm.call("GET", f"/v1/lots/{lot}").json()
    assert (view["tender_version"], view["tender_sha256"]) == (2, package.sha256)
    assert view["tender_size"] == len(answer.content)
    cached = firm.call("GET", f"/v1/lots/{lot}/tender", headers={"If-None-Match": answer.headers["ETag"]})
    assert (cached.status_code, cached.content) == (304, b"")
    first = firm.call("GET", f"/v1/lots/{lot}/tender?version=1").content
    assert hashlib.sha256(first).digest() == hashlib.sha256(market.package.path.read_bytes()).digest()
    assert code_of(firm.call("GET", f"/v1/lots/{lot}/tender?version=9")) == "not-found"


def test_only_this_machine_under_its_own_name(sandbox: LocalSandbox) -> None:
    assert HOST == "127.0.0.1"
    address = f"{sandbox.url}/sandbox/v1/clock"
    for strange in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert code_of(requests.post(address, headers=strange, timeout=20)) == "forbidden-host"
    for ours in ({"Host": "localhost:1"}, {"Host": "[::1]:1"}, {"Origin": "http://127.0.0.1:9"}):
        assert requests.get(address, headers=ours, timeout=20).status_code == 200
    with listen(0) as taken, pytest.raises(SettingProblem):
        listen(taken.getsockname()[1])


def test_bodies_must_be_what_they_are_said_to_be(market: Market) -> None:
    firm, path = market.firms[0], f"/v1/lots/{market.lot}/registrations"
    key = {"Idempotency-Key": "k"}
    assert code_of(firm.call("POST", path, data="x", headers=key)) == "unsupported-media-type"
    json_type = {**key, "Content-Type": "application/json"}
    assert code_of(firm.call("POST", path, data="{", headers=json_type)) == "bad-request"
    assert code_of(firm.post(path, {"contact": "甲", "phone": "1", "more": 1})) == "bad-request"
    assert code_of(firm.post(path, {"contact": "甲" * 10**6, "phone": "1"})) == "payload-too-large"


def test_faults_can_be_switched_on_and_off(market: Market) -> None:
    sandbox, firm = market.sandbox, market.firms[0]
    sandbox.fault("platform-fault")
    answer = firm.call("GET", "/v1/lots")
    assert (code_of(answer), answer.headers["Retry-After"]) == ("unavailable", "1")
    sandbox.fault("platform-fault", 0)
    assert firm.call("GET", "/v1/lots").status_code == 200
    sandbox.fault("clock-skew", 90)
    assert parse_instant(firm.call("GET", "/v1/time").json()["now"]) == NOW + timedelta(seconds=90)
    sandbox.fault("clock-skew", 0)
    sandbox.fault("slow", 0.3)
    assert firm.call("GET", "/v1/time").elapsed >= timedelta(seconds=0.3)
    # However slow it is, the levers that end it are not.
    sandbox.fault("slow", 3600)
    sandbox.fault("slow", 0)
    for wrong in ({"name": "fire", "value": 1}, {"name": "clock-skew", "value": 1e300}):
        answer = requests.post(f"{sandbox.url}/sandbox/v1/faults", json=wrong, timeout=20)
        assert code_of(answer) == "bad-request"


@pytest.mark.parametrize("setting", [{"rate": 1e300}, {"rate": -1}, {"seconds": 1e300}, {"seconds": -1e300}])
def test_no_setting_takes_the_clock_off_the_calendar(
    sandbox: LocalSandbox, setting: dict[str, float]
) -> None:
    answer = requests.post(f"{sandbox.url}/sandbox/v1/clock", json=setting, timeout=20)
    assert code_of(answer) == "bad-request"
    assert parse_instant(requests.get(f"{sandbox.url}/v1/time", timeout=20).json()["now"]) == NOW


def test_the_clock_goes_on_after_a_restart(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    clock.set(NOW, 1)
    again = Clock(tmp_path / "clock.json")
    assert NOW <= again.now() < NOW + timedelta(seconds=20)
    again.set(rate=0)
    assert again.now() == again.now()
    fast = Clock(tmp_path / "clock.json")
    fast.set(NOW, 3600)
    assert fast.rate == 3600
    assert fast.now() > NOW
    assert Clock(tmp_path / "clock.json").rate == 3600


def test_a_fast_clock_that_was_down_for_long_stays_on_the_calendar(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clock.json"
    Clock(path).set(NOW, 100_000)
    mark = json.loads(path.read_bytes())
    month_ago = machine_time() - timedelta(days=31)
    path.write_text(json.dumps({**mark, "real": instant_text(month_ago)}), "utf-8")
    assert NOW + timedelta(days=366) <= Clock(path).now() < NOW + timedelta(days=376)
    assert "31 days" in caplog.text


def test_two_sandboxes_never_share_a_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_sandbox(data, samples="") as sandbox:
        ready = (data / READY).read_bytes()
        with pytest.raises(Busy), demo_sandbox(data, (), 60):
            pass
        with pytest.raises(Busy):
            run(data)
        assert (data / READY).read_bytes() == ready
        assert find_levers(data, 0).url == sandbox.url


def test_what_a_killed_sandbox_has_left_does_not_lead_to_another(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "killed", samples="") as killed:
        port = int(killed.url.rpartition(":")[2])
    with running_sandbox(tmp_path / "other", samples="", port=port):
        with pytest.raises(Unreachable) as caught:
            find_levers(tmp_path / "killed", 0)
        assert killed.url in caught.value.reason


def test_a_new_world_has_the_sample_lots(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "data", samples="construction", lead_minutes=60) as sandbox:
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        state = sandbox.control("state")
        assert [lot["state"] for lot in state["lots"]] == ["bidding"]
        assert sandbox.control("lots", {"sample": "construction", "minutes": 5})["lot"].startswith("L")
        assert len(sandbox.control("state")["lots"]) == 2
