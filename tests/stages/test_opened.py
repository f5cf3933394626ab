"""Key release, the opening's chain, acknowledgements and the read-out, each with what must be refused."""

import hashlib
import json
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.errors import BadChain, BadEnvelope, BadSignature, BidError, Mismatch, WrongKey
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.stages.chain import Chain, Event, check_acknowledgement, event_digest, genesis, next_head
from bidclient.stages.draft import Bidder
from bidclient.stages.opened import (
    Readout,
    ReadoutRow,
    check_row,
    open_release,
    opened_row,
    read_readout,
    release_content,
    release_context,
    row_sha256,
    table_sha256,
    wrap_release,
)
from bidclient.stages.package import DeviceStatement, Manifest, TenderRef
from bidclient.stages.submitted import digest
from tests.support.network_world import LOT, NETWORK, OPENING, SUBMISSION, World, build, chain_of, hex32
from tests.support.pki import NOW, USCC

SECRET = bytes(range(32))
CONTEXT = release_context(NETWORK, OPENING, SUBMISSION, LOT, USCC)
MANIFEST = Manifest(
    format="bidclient/manifest",
    version=1,
    tender=TenderRef(NETWORK, "p", LOT, "code", 1, hex32("tender")),
    bidder=Bidder(name="示例建设集团有限公司", uscc=USCC),
    form={"price": "123456789", "period": "180"},
    prices=(),
    documents=(),
    clause_links=(),
    creation_code="C0DE",
    salt=hex32("salt"),
    device=DeviceStatement("", "", "", "", ""),
    client="bidclient 0.1.0",
    draft_sha256=hex32("draft"),
    created_at=instant_text(NOW),
    edited_at=instant_text(NOW),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"))


# ------------------------------------------------------------------------------------------ key release


def test_a_released_secret_comes_out_at_the_opening(world: World) -> None:
    envelope = wrap_release(SECRET, world.opener.certificate, CONTEXT)
    assert open_release(envelope, world.opener, CONTEXT) == SECRET


@pytest.mark.parametrize("field", ["network", "opening", "submission", "lot", "bidder"])
def test_a_release_cannot_be_moved_to_another_bid(world: World, field: str) -> None:
    envelope = wrap_release(SECRET, world.opener.certificate, CONTEXT)
    names = {"network": NETWORK, "opening": OPENING, "submission": SUBMISSION, "lot": LOT, "bidder": USCC}
    other = release_context(**{**names, field: "91310000132200821H"})
    with pytest.raises(BadEnvelope):
        open_release(envelope, world.opener, other)


@pytest.mark.parametrize(
    "content", [b"x", b"BIDREL2\0" + bytes(64), b"BIDREL1\0" + bytes(63)], ids=["short", "magic", "length"]
)
def test_other_content_in_the_envelope_is_no_secret(world: World, content: bytes) -> None:
    envelope = cms.make_envelope(content, world.opener.certificate)
    with pytest.raises(BadEnvelope):
        open_release(envelope, world.opener, CONTEXT)


def test_another_key_does_not_open_a_release(world: World) -> None:
    other = world.root.issue("encryption", number=15)
    with pytest.raises(WrongKey):
        open_release(wrap_release(SECRET, world.opener.certificate, CONTEXT), other, CONTEXT)


def test_a_secret_of_another_length_is_not_released() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        release_content(bytes(16), CONTEXT)


def test_openssl_opens_a_release_and_finds_what_is_documented(world: World, tmp_path: Path) -> None:
    (tmp_path / "release.cms").write_bytes(wrap_release(SECRET, world.opener.certificate, CONTEXT))
    (tmp_path / "right.pem").write_bytes(world.opener.pem)
    (tmp_path / "wrong.pem").write_bytes(world.bidder.pem)

    def decrypt(key: str) -> bytes:
        command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", "release.cms", "-inkey", key]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=30)
        return done.stdout if done.returncode == 0 else b""

    expected = b"BIDREL1\0" + SECRET + hashlib.sha256(CONTEXT).digest()
    assert decrypt("right.pem") == expected
    # With a wrong key OpenSSL may go on with a random one (it hides padding errors): the text must differ.
    assert decrypt("wrong.pem") != expected


# ----------------------------------------------------------------------------------------------- chain


EVENTS = chain_of(
    ("opening-scheduled", {"lot": LOT}),
    ("signed-in", {"bidder": USCC, "statement_sha256": hex32("sign-in")}),
    ("list-announced", {"total": 3}),
    ("released", {"bidder": USCC, "late": False, "note": None}),
    ("closed", {}),
    at=NOW,
).events


def appended(events: list[Event]) -> Chain:
    chain = Chain(OPENING)
    for event in events:
        chain.append(event)
    return chain


def test_a_whole_chain_is_taken_and_events_may_come_twice() -> None:
    chain = appended([*EVENTS, *EVENTS[1:3]])
    assert chain.events == EVENTS
    assert chain.seq == 5
    assert chain.head == next_head(EVENTS[-1].prev, EVENTS[-1])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_gap_reorder_or_edit_breaks_the_chain(data: st.DataObject) -> None:
    events = list(EVENTS)
    position = data.draw(st.integers(0, len(events) - 2))
    match data.draw(st.sampled_from(["gap", "reorder", "edit", "time", "type"])):
        case "gap":
            del events[position]
        case "reorder":
            events[position], events[position + 1] = events[position + 1], events[position]
        case "edit":
            events[position] = msgspec.structs.replace(events[position], data={"total": 4})
        case "time":
            events[position] = msgspec.structs.replace(events[position], at=instant_text(NOW))
        case _:
            events[position] = msgspec.structs.replace(events[position], type="paused")
    with pytest.raises(BadChain):
        appended(events)


def test_the_chain_of_another_opening_does_not_fit() -> None:
    with pytest.raises(BadChain):
        Chain("opening-2").append(EVENTS[0])


def test_an_event_changed_after_it_was_seen_is_a_fork() -> None:
    chain = appended(list(EVENTS))
    with pytest.raises(BadChain, match="differs"):
        chain.append(msgspec.structs.replace(EVENTS[1], type="paused"))
    assert chain.events == EVENTS


def test_a_head_is_compared_now_or_when_we_get_there() -> None:
    chain = appended(list(EVENTS[:2]))
    chain.check_head(0, genesis(OPENING))
    chain.check_head(2, EVENTS[2].prev)
    with pytest.raises(BadChain, match="forked"):
        chain.check_head(2, hex32("other"))
    chain.check_head(4, hex32("other"))
    with pytest.raises(BadChain, match="forked"):
        chain.check_head(4, EVENTS[4].prev)
    chain.append(EVENTS[2])
    with pytest.raises(BadChain, match="forked"):
        chain.append(EVENTS[3])
    with pytest.raises(BadChain):
        chain.check_head(-1, hex32("other"))


def test_a_statement_that_was_acknowledged_must_be_in_the_chain() -> None:
    chain = appended(list(EVENTS))
    assert chain.recorded(hex32("sign-in")) == EVENTS[1]
    with pytest.raises(BadChain):
        chain.recorded(hex32("release"))


def test_an_event_that_has_no_canonical_form_is_refused() -> None:
    chain = Chain(OPENING)
    event = Event(seq=1, prev=chain.head, at=instant_text(NOW), type="x", data={"n": 2**60})
    with pytest.raises(BadChain):
        chain.append(event)
    assert chain.seq == 0


def stock_head(folder: Path, lines: list[bytes]) -> str:
    """The chain's head, computed by openssl and cat alone."""
    (folder / "head").write_bytes(bytes.fromhex(genesis(OPENING)))
    for line in lines:
        (folder / "line").write_bytes(line)
        script = (
            "(cat head; openssl dgst -sha256 -binary line) | openssl dgst -sha256 -binary >new && mv new head"
        )
        subprocess.run(["sh", "-c", script], cwd=folder, check=True, timeout=30)
    return (folder / "head").read_bytes().hex()


def test_openssl_computes_the_same_head_and_another_for_an_edited_log(tmp_path: Path) -> None:
    lines = [canonical.dumps(event) for event in EVENTS]
    head = appended(list(EVENTS)).head
    assert stock_head(tmp_path, lines) == head
    assert event_digest(EVENTS[0]) == hashlib.sha256(lines[0]).hexdigest()
    lines[2] = lines[2].replace(b'"total":3', b'"total":2')
    assert stock_head(tmp_path, lines) != head


# ------------------------------------------------------------------------------------- acknowledgements


def test_an_acknowledgement_proves_the_head_and_the_statement(world: World) -> None:
    chain = appended(list(EVENTS))
    proof = world.acknowledged(b"statement", chain)
    trusted = (world.root.certificate,)
    head = check_acknowledgement(proof, OPENING, b"statement", trusted, world.identity.certificate)
    assert (head.seq, head.head, head.statement_sha256) == (5, chain.head, digest(b"statement"))
    with pytest.raises(Mismatch, match="statement"):
        check_acknowledgement(proof, OPENING, b"other", trusted, world.identity.certificate)
    with pytest.raises(Mismatch, match="opening"):
        check_acknowledgement(proof, "opening-2", b"statement", trusted, world.identity.certificate)
    forged = world.acknowledged(b"statement", chain, world.rival)
    with pytest.raises(BadSignature):
        check_acknowledgement(forged, OPENING, b"statement", trusted, world.identity.certificate)
    with pytest.raises(BidError):
        check_acknowledgement(proof, OPENING, b"statement", (), world.identity.certificate)


# --------------------------------------------------------------------------------------------- read-out


def test_our_row_is_recomputed_from_our_own_package() -> None:
    row = opened_row(MANIFEST, hex32("manifest"), SUBMISSION, "price")
    assert row.price_fen == 123456789
    assert check_row(row, MANIFEST, hex32("manifest"), "price") == row
    assert row_sha256(row) == hashlib.sha256(canonical.dumps(row)).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"bidder": "91310000132200821H"},
        {"bidder_name": "另一家"},
        {"price_fen": 123456780},
        {"form": {"price": "123456789", "period": "181"}},
        {"manifest_sha256": hex32("other")},
        {"state": "failed"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_differs_in_any_field_is_a_mismatch(change: dict[str, object]) -> None:
    row = opened_row(MANIFEST, hex32("manifest"), SUBMISSION, "price")
    with pytest.raises(Mismatch) as caught:
        check_row(msgspec.structs.replace(row, **change), MANIFEST, hex32("manifest"), "price")
    assert caught.value.field == next(iter(change))


@pytest.mark.parametrize("price", ["", "12.5", "-1", "１２", "9" * 5000, str(2**53), None])
def test_a_price_that_is_no_number_of_fen_gives_no_row(price: str | None) -> None:
    form = {} if price is None else {"price": price}
    with pytest.raises(Mismatch):
        opened_row(msgspec.structs.replace(MANIFEST, form=form), hex32("manifest"), SUBMISSION, "price")


def test_a_read_out_is_read_only_with_its_own_digest_and_opening() -> None:
    row: ReadoutRow = opened_row(MANIFEST, hex32("manifest"), SUBMISSION, "price")
    readout = Readout(format="bidnet/readout", version=1, opening=OPENING, lot=LOT, rows=(row,))
    data, table = canonical.dumps(readout), table_sha256(readout)
    assert read_readout(data, OPENING, table) == readout
    with pytest.raises(Mismatch, match="table"):
        read_readout(data, OPENING, hex32("other"))
    with pytest.raises(Mismatch, match="opening"):
        read_readout(data, "opening-2", table)
    spaced = json.dumps(json.loads(data)).encode()
    with pytest.raises(BidError):
        read_readout(spaced, OPENING, digest(spaced))


def test_events_a_second_apart_are_in_order() -> None:
    assert [event.at for event in EVENTS] == [instant_text(NOW + timedelta(seconds=n)) for n in range(1, 6)]
