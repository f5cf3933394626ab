"""The whole journey with nothing but a phone: login, signature, sealing, release; and what stops it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bidclient.ask import PhoneRequest
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.errors import NoSuchKey, PhoneRefused, SettingProblem
from bidclient.formats.instant import parse_instant
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.phone_wallet import Wallet
from bidclient.sandbox.samples import sample_bid
from bidclient.stages.signed import read_signed
from bidclient.stages.tender import read_tender
from bidclient.store.settings import MobileSettings, read_settings, write_settings
from tests.support.desks import Bidder
from tests.support.pdf_seals import pdfsig_accepts
from tests.support.phone import PhonePerson, PhonePlayer, token_of
from tests.support.sandbox import Sandbox


def phone_desk(bidder: Bidder, folder: Path) -> Desk:
    """A desk with a phone and nothing else."""
    settings = msgspec.structs.replace(
        bidder.settings, pfx_files=(), mobile=MobileSettings(address=bidder.sandbox.url)
    )
    return build(settings, phone_certificates=folder / "phone-certificates.pem")


class _PhoneBidder(Bidder):
    """A bidder for whom `signing` names the phone."""

    @property
    def signing(self) -> str:
        """Any key of the phone that signs."""
        return "phone"


class Visitor:
    """A bidder whose keys are all on the phone."""

    def __init__(self, bidder: Bidder, kind: str) -> None:
        self.player = PhonePlayer(bidder.sandbox.url)
        wanted = sample_bid(bidder.sample).bidder
        wallet = Wallet(bidder.sandbox.data)
        identity = wallet.identity(self.player.add(wanted.name, wanted.uscc, kind))
        assert identity is not None
        self.person = PhonePerson(self.player.approve)
        self.desk = phone_desk(bidder, bidder.folder)
        changes = {"desk": self.desk, "ask": self.person, "keys": wallet.keys(identity)}
        fields: dict[str, Any] = {**vars(bidder), **changes}
        self.bidder = _PhoneBidder(**fields)

    def operations(self) -> list[str]:
        """What the phone was asked since the last time, each session once."""
        seen: dict[str, str] = {}
        for request in self.person.requests:
            seen.setdefault(token_of(request.address), request.operation)
        self.person.requests.clear()
        return list(seen.values())

    def acts(self) -> list[str]:
        """What the phone has said that it is for, since the last time; each names the lot, but for logins."""
        shown = list(self.player.shown)
        self.player.shown.clear()
        for act, *lines in shown:
            assert any(line.startswith("标段 / lot: ") for line in lines) is not act.startswith("登录"), lines
        return [lines[0].partition(" / ")[0] for lines in shown]


@pytest.fixture
def visitor(bidder: Bidder) -> Iterator[Visitor]:
    made = Visitor(bidder, "p-256")
    with made.desk:
        made.desk.keychain.pair(made.person)
        assert made.operations() == ["login"]
        yield made
        made.person.check()


def test_a_phone_lists_its_certificates(visitor: Visitor) -> None:
    keys = visitor.desk.keychain.listed()
    assert [(key.source, key.can_sign, key.can_decrypt) for key in keys] == [
        ("phone", True, False),
        ("phone", False, True),
    ]
    signing = visitor.desk.keychain.find("phone", "sign")
    assert visitor.desk.keychain.encryption_key(signing).certificate.can_encrypt
    assert visitor.desk.keychain.find(None, "sign").id == signing.id


@pytest.mark.parametrize("kind", ["p-256", "rsa-2048", "sm2"])
def test_from_login_to_confirmation_by_phone(own_sandbox: Sandbox, lone_bidder: Bidder, kind: str) -> None:
    visitor = Visitor(lone_bidder, kind)
    with visitor.desk as desk:
        desk.keychain.pair(visitor.person)
        lot = visitor.bidder.lot()
        with Competitors(own_sandbox.url, own_sandbox.data, (lot,), 2) as others:
            others.submit_all()
            _journey(visitor, own_sandbox, others, visitor.bidder.drafted(lot))
        visitor.person.check()


def _journey(visitor: Visitor, sandbox: Sandbox, others: Competitors, folder: Path) -> None:
    desk, ask, key = visitor.desk, visitor.person, "phone"
    visitor.operations()
    desk.signing.pack(folder)
    desk.signing.sign(folder, key, ask)
    assert visitor.operations() == ["sign"]
    signed = read_signed(folder / "bid.asice")
    assert signed.signatures[-1].timestamp is not None
    tender, files = read_tender(folder / "tender.tender").tender, len(signed.manifest.documents)
    assert visitor.player.shown[-1][1:4] == [
        f"项目 / project: {tender.project.name}",
        f"标段 / lot: {tender.lot.name}",
        f"文件 {files} 份 / files: {files}",
    ]
    assert visitor.acts()[-1] == "投标文件签名"
    desk.sealing.seal(folder, key, ask)
    assert visitor.operations() == ["sign", "unwrap"], "the stub is signed, the rehearsal opens the seal"
    assert visitor.acts() == ["加密投标文件", "解密演练，内容不外传"]
    desk.submitting.submit(folder, key, ask)
    assert visitor.operations() == ["sign", "sign"], "login and finalize"
    assert visitor.acts() == ["登录交易平台", "递交投标文件"]
    opening_at = parse_instant(desk.preparing.status(folder).opening_at)
    sandbox.set_clock(opening_at - timedelta(minutes=5))
    desk.opening.sign_in(folder, key, ask)
    others.sign_in_all()
    sandbox.set_clock(opening_at + timedelta(seconds=1))
    visitor.operations()
    assert visitor.acts() == ["登录交易平台", "开标签到"]
    said = desk.opening.release(folder, key, ask)
    assert said.detail == "key"
    assert visitor.operations() == ["unwrap", "sign", "sign"]
    assert visitor.acts() == ["开标解密", "登录交易平台", "开标解密"]
    others.release_all()
    confirmed = desk.opening.confirm(folder, key, ask)
    assert confirmed.own_row.submission == said.submission
    assert visitor.acts() == ["登录交易平台", "确认开标记录"]


def test_who_refuses_at_the_phone_leaves_the_bid_as_it_was(visitor: Visitor, bidder: Bidder) -> None:
    folder = bidder.drafted()
    visitor.desk.signing.pack(folder)

    def refuse(request: PhoneRequest) -> None:
        visitor.player.refuse(request)

    with pytest.raises(PhoneRefused):
        visitor.desk.signing.sign(folder, "phone", PhonePerson(refuse))
    assert not (folder / "bid.asice").exists()
    visitor.desk.signing.sign(folder, "phone", visitor.person)
    assert (folder / "bid.asice").exists()


def _unsealed(bidder: Bidder) -> tuple[Path, dict[Path, bytes]]:
    """A draft without seals, and its documents."""
    folder = bidder.drafted()
    for document in bidder.offer.documents:
        bidder.desk.preparing.add(folder, document.part, [document.path], document.name)
    return folder, {path: path.read_bytes() for path in (folder / "parts").rglob("*.pdf")}


def test_one_approval_seals_all_documents(visitor: Visitor, bidder: Bidder) -> None:
    folder, before = _unsealed(bidder)
    plan = visitor.desk.stamping.plan(folder, "phone", SealOrder())
    assert plan.documents > 2
    assert not plan.pin_each_time

    person = PhonePerson(visitor.player.refuse)
    with pytest.raises(PhoneRefused):
        visitor.desk.stamping.stamp(folder, "phone", SealOrder(), person)
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in folder.rglob(".new-*")] == []

    done = visitor.desk.stamping.stamp(folder, "phone", SealOrder(), visitor.person)
    assert visitor.operations() == ["sign"]
    shown = visitor.player.shown[-1]
    assert shown[0] == "电子签章 / put seals on documents"
    assert f"文件 {plan.documents} 份 / files: {plan.documents}" in shown
    assert not any(path.stem in line for path in before for line in shown), "no name of a file"
    sealed = [file for file in done.files if file.outcome == "sealed"]
    assert (len(sealed), done.complete) == (plan.documents, True)
    changed = [path for path, old in before.items() if path.read_bytes() != old]
    assert len(changed) == plan.documents
    assert all(pdfsig_accepts(path) for path in changed)


def test_without_a_phone_authority_there_is_nothing_to_pair(bidder: Bidder) -> None:
    with pytest.raises(SettingProblem):
        bidder.desk.keychain.pair(bidder.ask)
    with phone_desk(bidder, bidder.folder) as desk, pytest.raises(NoSuchKey):
        desk.keychain.find(None, "sign")


def test_the_setting_comes_back_as_it_was_written(tmp_path: Path, bidder: Bidder) -> None:
    path = tmp_path / "phone" / "settings.toml"
    mobile = MobileSettings(address="https://ca.example.cn", ca_file="/etc/ca.pem")
    write_settings(path, msgspec.structs.replace(bidder.settings, mobile=mobile))
    assert read_settings(path).mobile == mobile
    path.write_text('[mobile]\naddress = "https://ca.example.cn"\nca_file = "ca.pem"\n', "utf-8")
    again = read_settings(path).mobile
    assert again is not None
    assert again.ca_file == str(path.parent / "ca.pem")
