"""The phone of a new sandbox carries a company, a person and a stranger, once; its page is served safely."""

import re
from pathlib import Path

import pytest
import requests

from bidclient.ask import PhoneRequest
from bidclient.errors import OtherProvince, PersonalCertificate
from bidclient.keys.mobile import MobileSource
from bidclient.network.clock import ticks
from bidclient.network.mobile import MobileLine
from bidclient.sandbox.phone_wallet import HOME_PROVINCE, Wallet
from bidclient.sandbox.practice import practice_phone
from bidclient.sandbox.samples import sample_bid
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.sandbox import LocalSandbox


def test_a_practice_phone_is_filled_once(sandbox: LocalSandbox, tmp_path: Path) -> None:
    practice_phone(sandbox.data, "construction", "p-256")
    practice_phone(sandbox.data, "construction", "p-256")
    bidder = sample_bid("construction").bidder
    shown = requests.get(f"{sandbox.url}/phone/v1/identities", timeout=20).json()
    assert [(one["kind"], one["province"] == HOME_PROVINCE) for one in shown] == [
        ("enterprise", True),
        ("enterprise", False),
        ("personal", True),
    ]
    assert all(re.fullmatch(r"138\*{4}\d{4}", one["phone"]) for one in shown)
    player = PhonePlayer(sandbox.url)
    source = MobileSource(MobileLine(sandbox.url), tmp_path / "phone.pem", ticks)

    def scan(request: PhoneRequest) -> None:
        player.scan(request.address)

    for one, error in ((shown[1], OtherProvince), (shown[2], PersonalCertificate)):
        player.identity = one["id"]
        with pytest.raises(error):
            source.pair(PhonePerson(scan))
    player.identity = shown[0]["id"]
    person = PhonePerson(player.approve)
    assert {key.certificate.uscc for key in source.pair(person)} == {bidder.uscc}
    person.check()
    practice_phone(sandbox.data, "goods", "sm2")
    assert len(Wallet(sandbox.data).identities()) == 4


def test_the_private_folder_is_nobody_elses(sandbox: LocalSandbox) -> None:
    identity = Wallet(sandbox.data).add("手机示范建设有限公司", "91629999TBX00001XU")
    folder = sandbox.data / "phone" / identity.id
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "keys").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["/phone", "/phone/", "/phone/phone.js", "/phone/phone.css"])
def test_the_page_runs_its_own_script_only(sandbox: LocalSandbox, path: str) -> None:
    answer = requests.get(sandbox.url + path, timeout=20)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script>|\son\w+=|innerHTML|https?://(?!127)", answer.text)


def test_nothing_else_is_served_from_there(sandbox: LocalSandbox) -> None:
    for path in ("/phone/identity.json", "/phone/..%2Fopenapi.yaml", "/phone/v1"):
        assert requests.get(sandbox.url + path, timeout=20).status_code == 404
    foreign = requests.get(f"{sandbox.url}/phone/", headers={"Origin": "https://evil.example"}, timeout=20)
    assert foreign.json()["code"] == "forbidden-host"
