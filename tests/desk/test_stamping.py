"""The seal keeper: one batch over a draft, resumed after a kill, refused where a seal must not be."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import msgspec
import pytest
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import StreamObject

from bidclient.ask import Ask, Nobody
from bidclient.crypto import ses
from bidclient.crypto.pdf_places import Place, SealKind
from bidclient.crypto.private_key import PrivateKey
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.desk.seal_panel import panel
from bidclient.errors import (
    Cancelled,
    CertificateUnfit,
    KeyRefused,
    NotSealable,
    SettingProblem,
    TokenRemoved,
    UnknownDocument,
)
from bidclient.explain import explain
from bidclient.formats.instant import CHINA
from bidclient.keys.info import KeyInfo, key_id
from bidclient.sandbox.seal_image import draw_seal, png
from bidclient.stages.draft import draft_bytes
from bidclient.stages.tender import Part, SealPosition
from bidclient.store.bids import BidFolder
from bidclient.store.settings import NetworkSettings, Settings
from bidclient.store.state import draft_of
from tests.support.bids import BIDDER, BIDDER_USCC, make_draft, make_pki, make_tender, tender_record
from tests.support.pdf_seals import pdfsig_accepts, picture, put_on, seal
from tests.support.pki import NOW, Authority, InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

SEALS = {
    "licence": (SealPosition("cross-page", 1, 195, 148),),
    "bid-letter": (
        SealPosition("company", -1, 130, 225),
        SealPosition("legal-representative", 1, 20, 0, "投标人"),
    ),
    "plan": (SealPosition("company", 1, 130, 225),),
    "priced-boq": (SealPosition("company", 1, 130, 225),),
}
"""The plan is blind: the tender contradicts itself there, and no seal may come of it."""
SEALED = ["qualification/licence", "commercial/bid-letter", "price/priced-boq"]


@dataclass
class Shelf:
    """A source of keys in memory; `fails_after` so many signatures its token is out."""

    held: list[InMemoryKey | Sm2InMemoryKey]
    always_authenticate: bool = False
    fails_after: int = 1000
    signatures: int = 0
    uses: int = 0
    pins: list[str] = field(default_factory=list)

    def keys(self) -> list[KeyInfo]:
        return [
            KeyInfo(
                id=key_id("shelf", key.certificate),
                source="token",
                label=key.certificate.common_name,
                token_serial="1",
                token_label="锁",
                module="",
                certificate=key.certificate,
                can_sign=key.certificate.can_sign,
                can_decrypt=False,
                always_authenticate=self.always_authenticate,
            )
            for key in self.held
        ]

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        self.pins.append(key.id)
        (held,) = (one for one in self.held if one.certificate == key.certificate)
        shelf = self

        class Counting(type(held)):  # type: ignore[misc] # either kind of key
            def sign(self, messages: list[bytes], scheme: object) -> list[bytes]:
                if shelf.signatures >= shelf.fails_after:
                    raise TokenRemoved("锁")
                shelf.uses += 1
                shelf.signatures += len(messages)
                made: list[bytes] = held.sign(messages, scheme)  # type: ignore[arg-type]
                return made

        yield Counting(held.key, held.certificate, held.chain)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Room:
    """A draft on the disk, and a desk with one company's key."""

    bid: Path
    shelf: Shelf
    desk: Desk

    def stamp(self, order: SealOrder | None = None, ask: Ask | None = None) -> dict[str, str]:
        done = self.desk.stamping.stamp(
            self.bid, None, order or SealOrder(), ask or Nobody(b"1"), timestamp=False
        )
        return {file.document: file.outcome for file in done.files}

    def file(self, name: str) -> Path:
        draft = draft_of(BidFolder.open(self.bid))
        found = next(one for one in draft.documents if f"{one.part}/{one.name}" == name)
        path = self.bid / "parts" / found.part / found.file
        assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
        return path

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.desk.checking.check(self.bid, with_keys=False).findings]


@pytest.fixture(scope="module")
def sm2_authority() -> Sm2Authority:
    return Sm2Authority.root().intermediate()


def _parts() -> tuple[Part, ...]:
    return tuple(
        msgspec.structs.replace(
            part,
            documents=tuple(
                msgspec.structs.replace(one, seals=SEALS.get(one.name, ())) for one in part.documents
            ),
        )
        for part in tender_record(make_pki()).parts
    )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    package = make_tender(tmp_path, make_pki(), parts=_parts())
    folder = BidFolder.create(tmp_path / "bid", package.path)
    draft, _ = make_draft(folder.path, package)
    folder.draft.write_bytes(draft_bytes(draft))
    shelf = Shelf([make_pki().bidder])
    with build(Settings(), now=lambda: NOW, sources=(shelf,)) as desk:
        yield Room(folder.path, shelf, desk)


def test_one_batch_one_pin_every_document(room: Room) -> None:
    before = {name: room.file(name).read_bytes() for name in SEALED}
    assert room.rules().count("SEAL-001") == 3
    plan = room.desk.stamping.plan(room.bid, None, SealOrder())
    assert (plan.documents, plan.signatures, plan.pin_each_time) == (3, 3, False)
    assert room.stamp() == dict.fromkeys(SEALED, "sealed")
    assert (len(room.shelf.pins), room.shelf.uses, room.shelf.signatures) == (1, 1, 3)
    for name in SEALED:
        assert room.file(name).read_bytes().startswith(before[name])
        assert pdfsig_accepts(room.file(name))
    kept = sorted(path.read_bytes() for path in (room.bid / "superseded").iterdir())
    assert kept == sorted(before.values())
    assert [rule for rule in room.rules() if rule.startswith("SEAL")] == ["SEAL-005"] * 3
    assert room.desk.preparing.status(room.bid).stage == "draft"
    # The blind plan is as it was, and nothing is done twice.
    assert b"/Sig" not in (room.bid / "parts/technical/施工组织设计.pdf").read_bytes()
    assert room.stamp() == dict.fromkeys(SEALED, "already")
    assert len(room.shelf.pins) == 1


def test_a_key_that_wants_its_pin_each_time_is_announced(room: Room) -> None:
    room.shelf.always_authenticate = True
    plan = room.desk.stamping.plan(room.bid, None, SealOrder(kinds=("company",)))
    assert (plan.documents, plan.signatures, plan.pin_each_time) == (2, 2, True)
    assert room.shelf.pins == []


def test_several_signers_one_after_the_other(room: Room) -> None:
    room.stamp(SealOrder(kinds=("company", "cross-page")))
    assert room.rules().count("SEAL-001") == 1
    room.shelf.held = [make_pki().legal_representative]
    # An annotation cannot follow a signature: each place has a signature of its own.
    assert room.desk.stamping.plan(room.bid, None, SealOrder()).signatures == 1
    order = SealOrder(kinds=("legal-representative",))
    assert room.stamp(order) == {"commercial/bid-letter": "sealed"}
    assert "SEAL-001" not in room.rules()
    report = room.desk.verifying.verify(room.file("commercial/bid-letter"))
    seals = [one for one in report.verdicts if one.item.endswith(": seal")]
    assert [one.verdict for one in seals] == ["valid", "valid"]
    assert "nothing later changes the content" in seals[0].reason
    assert "legal-representative: covers the whole file" in seals[1].reason
    # Without a network nobody is trusted, and nobody is called false either.
    assert {one.verdict for one in report.verdicts} == {"valid", "cannot-tell"}


def test_the_companys_picture_is_no_seal_of_a_person(room: Room, tmp_path: Path) -> None:
    company, person = tmp_path / "company.png", tmp_path / "person.png"
    Image.new("RGB", (131, 127), "red").save(company)
    Image.new("RGB", (61, 67), "red").save(person)
    for wanted, sizes in (
        (SealOrder(picture=company), {(131, 127)}),
        (SealOrder(kinds=("legal-representative",), picture=company), set()),
        (
            SealOrder(
                kinds=("legal-representative",), picture=company, pictures={"legal-representative": person}
            ),
            {(61, 67)},
        ),
        (SealOrder(kinds=("company",), picture=company), {(131, 127)}),
    ):
        order = replace(wanted, documents=("commercial/bid-letter",))
        path, folder = room.file("commercial/bid-letter"), BidFolder.open(room.bid)
        before, draft = path.read_bytes(), folder.draft.read_bytes()
        room.stamp(order)
        assert {(131, 127), (61, 67)} & pictures_in(path) == sizes, wanted
        path.write_bytes(before)
        folder.draft.write_bytes(draft)


def test_the_picture_of_an_electronic_seal_is_no_seal_of_a_person(
    room: Room, tmp_path: Path, sm2_authority: Sm2Authority
) -> None:
    key = sm2_authority.issue("signing", name=BIDDER, uscc=BIDDER_USCC)
    room.shelf.held = [key]
    maker = sm2_authority.issue("signing", name="演示制章单位")
    valid = NOW, NOW.replace(year=NOW.year + 1)
    (tmp_path / "company.esl").write_bytes(
        ses.make_seal(BIDDER, picture(), [key.certificate], maker, valid, "1")
    )
    order = SealOrder(("legal-representative",), electronic_seal=tmp_path / "company.esl")
    assert room.stamp(order) == {"commercial/bid-letter": "sealed"}
    assert (120, 120) not in pictures_in(room.file("commercial/bid-letter"))
    order = replace(order, kinds=("company",))
    assert room.stamp(order)["commercial/bid-letter"] == "sealed"
    assert (120, 120) in pictures_in(room.file("commercial/bid-letter"))


def pictures_in(path: Path) -> set[tuple[int, int]]:
    """The sizes in pixels of the pictures in a PDF, wherever they are shown."""
    reader = PdfReader(path)
    size = cast(int, reader.trailer["/Size"])
    there = (reader.get_object(number) for number in range(1, size))
    images = (one for one in there if isinstance(one, StreamObject) and one.get("/Subtype") == "/Image")
    return {(cast(int, one["/Width"]), cast(int, one["/Height"])) for one in images}


def test_blind_parts_unknown_names_and_foreign_keys_are_refused(room: Room) -> None:
    with pytest.raises(NotSealable, match="blind") as blind:
        room.stamp(SealOrder(documents=("technical/plan",)))
    with pytest.raises(NotSealable, match="blind"):
        room.desk.stamping.plan(room.bid, None, SealOrder(documents=("technical/plan",)))
    said = explain(blind.value, "zh")
    assert (said.title, said.cause) == ("这份文件不能签章", "technical/plan：暗标不得签章。")
    with pytest.raises(UnknownDocument):
        room.stamp(SealOrder(documents=("price/nothing",)))
    with pytest.raises(SettingProblem):
        room.desk.stamping.stamp(room.bid, None, SealOrder(), Nobody(b"1"))
    room.shelf.held = [make_pki().rival]
    with pytest.raises(CertificateUnfit):
        room.stamp()
    assert room.shelf.pins == []
    assert not (room.bid / "superseded").exists()


def test_a_file_that_cannot_be_sealed_does_not_stop_the_others(room: Room) -> None:
    licence = room.file("qualification/licence")
    licence.write_bytes(licence.read_bytes() + b"edited")
    assert room.stamp() == {
        "qualification/licence": "failed",
        "commercial/bid-letter": "sealed",
        "price/priced-boq": "sealed",
    }
    assert licence.read_bytes().endswith(b"edited")


def test_an_anchor_that_is_not_there_fails_its_document_only(room: Room) -> None:
    seals = (SealPosition("company", 0, 0, 0, "没有这几个字"),)
    parts = tuple(
        msgspec.structs.replace(part, documents=(msgspec.structs.replace(part.documents[0], seals=seals),))
        for part in _parts()
    )
    package = make_tender(room.bid.parent / "other", make_pki(), parts=parts)
    folder = BidFolder.create(room.bid.parent / "bid2", package.path)
    draft, _ = make_draft(folder.path, package)
    folder.draft.write_bytes(draft_bytes(draft))
    done = room.desk.stamping.stamp(folder.path, None, SealOrder(), Nobody(b"1"), timestamp=False)
    assert not done.complete
    assert all("没有这几个字" in file.reason for file in done.files)


def test_a_token_pulled_out_in_the_middle_loses_nothing(room: Room) -> None:
    before = {name: room.file(name).read_bytes() for name in SEALED}
    room.shelf.fails_after = 0
    with pytest.raises(TokenRemoved):
        room.stamp()
    assert [path.name for path in room.bid.rglob(".new-*")] == []
    assert {name: room.file(name).read_bytes() for name in SEALED} == before
    room.shelf.fails_after = 1000
    assert list(room.stamp().values()) == ["sealed"] * 3
    assert room.rules().count("SEAL-005") == 3


def test_a_kill_between_the_file_and_the_draft_is_made_good(room: Room) -> None:
    folder = BidFolder.open(room.bid)
    old = folder.draft.read_bytes()
    room.stamp(SealOrder(documents=("price/priced-boq",)))
    folder.draft.write_bytes(old)
    assert "DOC-005" in room.rules()
    assert room.stamp() == {
        "qualification/licence": "sealed",
        "commercial/bid-letter": "sealed",
        "price/priced-boq": "already",
    }
    assert "DOC-005" not in room.rules()
    assert len(list((room.bid / "superseded").iterdir())) == 3


def test_a_kill_before_the_file_is_replaced_keeps_one_copy(room: Room) -> None:
    folder = BidFolder.open(room.bid)
    name = folder.keep_before(room.file("price/priced-boq"))
    assert folder.keep_before(room.file("price/priced-boq")) == name
    room.stamp()
    assert len(list((room.bid / "superseded").iterdir())) == 3


def test_who_stops_asks_no_more(room: Room) -> None:
    class Stops(Nobody):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked == 3

    with pytest.raises(Cancelled):
        room.stamp(ask=Stops(b"1"))
    assert room.shelf.signatures == 0
    assert [path.name for path in room.bid.rglob(".new-*")] == []
    assert list(room.stamp().values()) == ["sealed"] * 3


def test_a_strangers_seal_is_not_taken_for_the_companys(room: Room) -> None:
    put_on(room.file("price/priced-boq"), [seal("company", Place(0, 50, 50))], make_pki().rival)
    assert room.desk.stamping.plan(room.bid, None, SealOrder()).documents == 3
    assert room.stamp()["price/priced-boq"] == "sealed"
    assert "SEAL-004" in room.rules()


def test_who_certifies_himself_is_not_the_company_where_roots_are_set(room: Room, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(make_pki().root.certificate.pem)
    trust = (str(tmp_path / "root.pem"),)
    settings = Settings(network=NetworkSettings("https://network.invalid", "production", trust, ""))
    # The intermediate certificates come with the true seals.
    forger = Authority.root("假冒根证书", 1002).issue("signing", number=18, name=BIDDER, uscc=BIDDER_USCC)
    put_on(room.file("qualification/licence"), [seal("cross-page", Place(0, 50, 50))], make_pki().bidder)
    put_on(room.file("price/priced-boq"), [seal("company", Place(0, 50, 50))], forger)
    for name, left in (("qualification/licence", 0), ("price/priced-boq", 1)):
        order = SealOrder(documents=(name,))
        with build(settings, now=lambda: NOW, sources=(room.shelf,)) as desk:
            assert desk.stamping.plan(room.bid, None, order).documents == left
            findings = desk.checking.check(room.bid, with_keys=False).findings
    assert [one.rule for one in findings].count("SEAL-006") == 1


def test_pictures_are_read_with_limits(room: Room, tmp_path: Path) -> None:
    good = tmp_path / "seal.png"
    good.write_bytes(png(draw_seal(BIDDER, BIDDER_USCC)))
    (tmp_path / "bad.png").write_bytes(b"GIF89a")
    order = SealOrder(picture=tmp_path / "bad.png", pictures={"cross-page": good})
    outcome = room.stamp(order)
    assert outcome == {
        "qualification/licence": "sealed",
        "commercial/bid-letter": "failed",
        "price/priced-boq": "failed",
    }


def test_the_panel_shows_the_day_in_china() -> None:
    evening = datetime(2026, 11, 25, 19, 4, tzinfo=UTC)
    next_day = datetime(2026, 11, 26, 19, 4, tzinfo=UTC)
    drawn = panel("company", BIDDER, evening).data
    assert drawn == panel("company", BIDDER, evening.astimezone(CHINA)).data
    assert drawn == panel("company", BIDDER, datetime(2026, 11, 26, 1, tzinfo=UTC)).data
    assert drawn != panel("company", BIDDER, next_day).data


@pytest.mark.parametrize("kind", get_args(SealKind))
def test_the_panel_has_a_light_ground_on_which_it_can_be_read_over_text(kind: SealKind) -> None:
    image = panel(kind, BIDDER, datetime(2026, 11, 25, 19, 4, tzinfo=UTC)).image
    text = Image.new("RGBA", image.size, (0, 0, 0, 255))
    text.alpha_composite(image)
    corner = text.getpixel((12, 12))
    assert isinstance(corner, tuple)
    assert min(corner) > 200


def test_an_sm2_key_seals_with_an_electronic_seal(
    room: Room, tmp_path: Path, sm2_authority: Sm2Authority
) -> None:
    key = sm2_authority.issue("signing", name=BIDDER, uscc=BIDDER_USCC)
    room.shelf.held = [key]
    with pytest.raises(KeyRefused, match="electronic seal"):
        room.stamp()
    maker = sm2_authority.issue("signing", name="演示制章单位")
    valid = NOW, NOW.replace(year=NOW.year + 1)
    made = ses.make_seal(BIDDER, picture(), [key.certificate], maker, valid, "1")
    (tmp_path / "company.esl").write_bytes(made)
    order = SealOrder(electronic_seal=tmp_path / "company.esl")
    assert room.stamp(order) == dict.fromkeys(SEALED, "sealed")
    assert [rule for rule in room.rules() if rule.startswith("SEAL")] == ["SEAL-005"] * 3
    report = room.desk.verifying.verify(room.file("price/priced-boq"))
    assert report.verdicts[0].verdict == "valid"
