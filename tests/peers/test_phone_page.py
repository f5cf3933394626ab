"""The phone's page in a real browser the size of a phone: what it shows, and what comes of each decision."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bidclient.ask import PhoneRequest
from bidclient.crypto.private_key import usual_scheme
from bidclient.errors import OtherProvince, PersonalCertificate, PhoneCodeWrong, PhoneRefused
from bidclient.keys.mobile import MobileKey, MobileSource
from bidclient.network.clock import ticks
from bidclient.network.mobile import MobileLine
from bidclient.sandbox.phone_wallet import Wallet
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.sandbox import LocalSandbox, local_sandbox

pytestmark = pytest.mark.peers

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
PURPOSE = ("电子签章 / put seals on documents", "项目 / project: " + "一号桥Lot" * 20, "W" * 200)
NAME, USCC = "手机示范建设有限公司", "91629999TBX00001XU"


@dataclass
class Browser:
    """The page in Chromium, set to an identity; `answers` is what the page has shown."""

    identity: str
    pictures: Path
    answers: list[dict[str, Any]]
    action: str = "approve"

    def play(self, request: PhoneRequest) -> None:
        """Open the link of a request and act on it."""
        order = {
            "link": request.address,
            "identity": self.identity,
            "code": request.verification_code,
            "action": self.action,
            "pictures": str(self.pictures),
        }
        done = subprocess.run(
            ["node", "phone_page.mjs", json.dumps(order)],
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.answers.append(json.loads(done.stdout))


@dataclass
class Desk:
    """A paired company, its source of keys, and the browser that is its phone."""

    sandbox: LocalSandbox
    source: MobileSource
    browser: Browser

    def sign(self) -> list[bytes]:
        """Sign three things by the page."""
        signing = next(key for key in self.source.keys() if key.can_sign)  # noqa: SIM118 - not a mapping
        person = PhonePerson(self.browser.play)
        with self.source.unlock(signing, person) as key:
            assert isinstance(key, MobileKey)
            try:
                return key.about(PURPOSE).sign([b"first", b"second", b"third"], usual_scheme(key.certificate))
            finally:
                person.check()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    with local_sandbox(tmp_path_factory.mktemp("phone") / "data", NOW) as running:
        yield running


@pytest.fixture
def desk(sandbox: LocalSandbox, tmp_path: Path) -> Desk:
    player = PhonePlayer(sandbox.url)
    identity = player.add(NAME, USCC)
    source = MobileSource(MobileLine(sandbox.url), tmp_path / "phone.pem", ticks)
    source.pair(PhonePerson(player.approve))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    return Desk(sandbox, source, Browser(identity, pictures, []))


def test_a_person_approves_a_batch_in_the_page(desk: Desk) -> None:
    assert len(desk.sign()) == 3
    (seen,) = desk.browser.answers
    assert seen["faults"] == []
    assert len(seen["codes"]) == 3
    assert len(seen["items"]) == 3
    assert seen["display"] == [*PURPOSE, "签名 3 项 / 3 to sign", NAME]
    assert seen["locked"], "nothing can be approved before a code is chosen"
    assert seen["overflow"] <= 0, "nothing sticks out of a phone's screen"
    assert "已确认" in seen["message"]
    with Image.open(desk.browser.pictures / "asked.png") as picture:
        assert picture.width == 2 * 390
        colours = picture.convert("RGB").getcolors(picture.width * picture.height) or []
        assert len(colours) > 20, "something is drawn"


def test_a_person_refuses_in_the_page(desk: Desk) -> None:
    desk.browser.action = "refuse"
    with pytest.raises(PhoneRefused):
        desk.sign()
    assert "已拒绝" in desk.browser.answers[0]["message"]


def test_a_wrong_code_in_the_page(desk: Desk) -> None:
    desk.browser.action = "wrong"
    with pytest.raises(PhoneCodeWrong):
        desk.sign()
    assert "验证码不一致" in desk.browser.answers[0]["message"]


@pytest.mark.parametrize(
    ("province", "kind", "error", "text"),
    [
        ("邻省", "enterprise", OtherProvince, "外省证书"),
        ("演练省", "personal", PersonalCertificate, "个人证书"),
    ],
)
def test_identities_that_will_not_do_are_told_on_both_screens(
    desk: Desk, province: str, kind: Any, error: type[Exception], text: str
) -> None:
    wallet = Wallet(desk.sandbox.data)
    desk.browser.identity = wallet.add("演示", kind=kind, province=province).id
    desk.browser.action = "read"
    with pytest.raises(error):
        desk.sign()
    assert text in desk.browser.answers[0]["message"]
