"""A whole evidence folder is proven valid, and no part of it can be changed without being found out."""

import hashlib
from base64 import b64encode
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.errors import UnprovenTime
from bidclient.formats import canonical
from bidclient.formats.instant import instant_text
from bidclient.stages.chain import Chain, Event
from bidclient.stages.evidence import Verdict, verify_evidence
from bidclient.stages.evidence_folder import Evidence
from bidclient.stages.opened import (
    ConfirmStatement,
    Readout,
    ReadoutRow,
    ReleaseStatement,
    SignInStatement,
    row_sha256,
)
from bidclient.stages.submitted import (
    FinalizeStatement,
    digest,
    finalize_statement,
    read_receipt,
    read_statement,
    withdraw_statement,
)
from tests.support.network_world import (
    LOT,
    NETWORK,
    OPENING,
    RIVAL_USCC,
    SUBMISSION,
    Recorded,
    World,
    build,
    chain_of,
    hex32,
)
from tests.support.pki import NOT_AFTER, USCC, Authority, InMemoryKey
from tests.support.sealing import make_keys, make_tender

TENDER_ITEM = "tender.json"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def files(world: World) -> dict[str, bytes]:
    """The folder of a bid that was submitted, opened and confirmed."""
    receipt = world.signed(world.receipt(), world.identity)
    row = ReadoutRow(USCC, "示例", SUBMISSION, 100, {"price": "100"}, hex32("m"), "opened")
    rows = (row, msgspec.structs.replace(row, bidder=RIVAL_USCC, submission="submission-2"))
    readout = Readout(format="bidnet/readout", version=1, opening=OPENING, lot=LOT, rows=rows)
    common = {
        "version": 1,
        "network": NETWORK,
        "opening": OPENING,
        "submission": SUBMISSION,
        "bidder": USCC,
    }
    received = {**common, "receipt_sha256": digest(receipt)}
    statements = {
        "sign-in": msgspec.convert(
            {**received, "format": "bidnet/sign-in", "agent": "张三", "nonce": "n-2"}, SignInStatement
        ),
        "release": msgspec.convert(
            {
                **received,
                "format": "bidnet/release",
                "opening_certificate_sha256": world.opener.certificate.sha256,
                "wrapped_key": b64encode(b"wrapped").decode(),
                "method": "key",
                "nonce": "n-3",
            },
            ReleaseStatement,
        ),
        "confirm": msgspec.convert(
            {
                **common,
                "format": "bidnet/confirm",
                "table_sha256": digest(canonical.dumps(readout)),
                "row_sha256": row_sha256(row),
                "verdict": "match",
                "note": "",
                "nonce": "n-4",
            },
            ConfirmStatement,
        ),
    }
    signed = {name: world.signed(statement) for name, statement in statements.items()}
    recorded: list[Recorded] = [(name, {"statement_sha256": digest(data)}) for name, data in signed.items()]
    announced: Recorded = ("readout", {"table_sha256": digest(canonical.dumps(readout))})
    chain = chain_of(("opening-scheduled", {"lot": LOT}), *recorded, announced, at=world.now)
    journal, previous = [], hashlib.sha256(b"bidclient/journal/1\0").hexdigest()
    for number in (1, 2, 3):
        journal.append(canonical.dumps({"seq": number, "prev": previous, "event": "step", "data": {}}))
        previous = hashlib.sha256(journal[-1]).hexdigest()
    return {
        "bid.stub": world.stub_data,
        "finalize-001.p7s": world.finalize,
        "receipt-001.p7s": receipt,
        "receipt-001.tsr": world.stamped(receipt),
        "receipt-001.json": canonical.dumps(world.receipt()),
        **{f"{name}.p7s": data for name, data in signed.items()},
        **{f"acknowledgement-{name}.p7s": world.acknowledged(data, chain) for name, data in signed.items()},
        "chain.jsonl": b"".join(canonical.dumps(event) + b"\n" for event in chain.events),
        "readout.json": canonical.dumps(readout),
        "journal.jsonl": b"".join(line + b"\n" for line in journal),
        "certificates/network.pem": world.identity.certificate.pem,
    }


def judged(
    world: World,
    files: dict[str, bytes],
    identity: Certificate | None = None,
    root: Authority | None = None,
    now: datetime | None = None,
) -> dict[str, Verdict]:
    trusted = ((root or world.root).certificate,)
    found = verify_evidence(Evidence(files, trusted, trusted, identity, now or world.now))
    return {verdict.item: verdict for verdict in found}


def test_a_stamp_by_an_unknown_authority_leaves_the_receipt_open(
    world: World, files: dict[str, bytes]
) -> None:
    stranger = (Authority.root("别家的根证书", 1002).certificate,)
    evidence = Evidence(files, (world.root.certificate,), stranger, world.identity.certificate, world.now)
    (receipt,) = [one for one in verify_evidence(evidence) if one.item.startswith("receipt")]
    assert receipt.verdict == "cannot-tell", receipt
    assert "unknown issuer" in receipt.reason
    assert "ErrorStack" not in receipt.reason


def test_a_whole_folder_is_valid_but_for_the_tender_that_is_not_in_it(
    world: World, files: dict[str, bytes]
) -> None:
    verdicts = judged(world, files, world.identity.certificate)
    assert verdicts.pop(TENDER_ITEM).verdict == "cannot-tell"
    assert {item: verdict.reason for item, verdict in verdicts.items() if verdict.verdict != "valid"} == {}
    assert set(verdicts) == set(files) - {"receipt-001.tsr", "receipt-001.json"}


def test_without_a_known_identity_nothing_is_said_to_be_the_networks(
    world: World, files: dict[str, bytes]
) -> None:
    verdicts = judged(world, files)
    answers = [item for item in files if item.startswith(("receipt-001.p7s", "acknowledgement-"))]
    assert len(answers) == 4
    assert {verdicts[item].verdict for item in (*answers, "readout.json")} == {"cannot-tell"}
    assert verdicts["bid.stub"].verdict == "valid"


def test_with_unknown_roots_nothing_signed_is_valid_and_nothing_is_called_false(
    world: World, files: dict[str, bytes]
) -> None:
    verdicts = judged(world, files, world.identity.certificate, Authority.root("别家", 1002))
    signed = [verdict for item, verdict in verdicts.items() if item.endswith((".p7s", ".stub"))]
    assert {verdict.verdict for verdict in signed} <= {"cannot-tell", "invalid"}
    assert verdicts["bid.stub"].verdict == "cannot-tell"
    assert verdicts["release.p7s"].verdict == "cannot-tell"


def test_what_the_network_has_received_outlives_the_certificates(
    world: World, files: dict[str, bytes]
) -> None:
    late = NOT_AFTER + timedelta(days=1)
    verdicts = judged(world, files, world.identity.certificate, now=late)
    del verdicts[TENDER_ITEM]
    assert {item: verdict.reason for item, verdict in verdicts.items() if verdict.verdict != "valid"} == {}


def test_a_time_that_only_the_bidder_claims_brings_no_certificate_back(
    world: World, files: dict[str, bytes]
) -> None:
    """Whoever finds an old lock can date a statement of today back to the time when its certificate held."""
    late = NOT_AFTER + timedelta(days=1)
    for identity in (None, world.rival.certificate):
        verdicts = judged(world, files, identity, now=late)
        for item in ("bid.stub", "finalize-001.p7s", "sign-in.p7s", "release.p7s", "confirm.p7s"):
            assert verdicts[item].verdict == "cannot-tell", (item, verdicts[item])
            assert isinstance(verdicts[item].error, UnprovenTime)
    rest = {name: data for name, data in files.items() if not name.startswith(("receipt-", "ack"))}
    verdicts = judged(world, rest, world.identity.certificate, now=late)
    for item in ("bid.stub", "finalize-001.p7s", "confirm.p7s"):
        assert isinstance(verdicts[item].error, UnprovenTime), (item, verdicts[item])
    verdicts = judged(world, rest, world.identity.certificate)
    assert verdicts["bid.stub"].verdict == verdicts["confirm.p7s"].verdict == "valid"


@settings(max_examples=100, deadline=None)
@given(number=st.integers(0, 99), position=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_changes_nothing_that_was_signed(
    world: World, files: dict[str, bytes], number: int, position: int, bit: int
) -> None:
    # A time-stamp response carries certificates that nobody signed; the stamp itself is judged elsewhere.
    names = sorted(set(files) - {"certificates/network.pem", "receipt-001.tsr"})
    name = names[number % len(names)]
    content = bytearray(files[name])
    # Nothing follows the journal's last line yet that would fix it.
    fixed = len(content) if name != "journal.jsonl" else len(b"".join(content.splitlines(keepends=True)[:-1]))
    content[position % fixed] ^= 1 << bit
    verdicts = judged(world, {**files, name: bytes(content)}, world.identity.certificate)
    del verdicts[TENDER_ITEM]
    if {verdict.verdict for verdict in verdicts.values()} == {"valid"}:
        ours, changed = (cms.verify_attached(data, name) for data in (files[name], bytes(content)))
        assert (changed.content, changed.signature) == (ours.content, ours.signature)


@pytest.mark.parametrize(
    ("missing", "open_item"),
    [
        ("bid.stub", "release.p7s"),
        ("receipt-001.tsr", "receipt-001.p7s"),
        ("receipt-001.p7s", "receipt-001.p7s"),
        ("acknowledgement-release.p7s", "acknowledgement-release.p7s"),
        ("chain.jsonl", "chain.jsonl"),
        ("confirm.p7s", "readout.json"),
        ("chain.jsonl", "readout.json"),
        ("acknowledgement-confirm.p7s", "readout.json"),
    ],
)
def test_what_is_missing_is_left_open_by_name(
    world: World, files: dict[str, bytes], missing: str, open_item: str
) -> None:
    rest = {name: data for name, data in files.items() if name != missing}
    verdict = judged(world, rest, world.identity.certificate)[open_item]
    assert verdict.verdict == "cannot-tell"
    assert missing in verdict.reason


def test_a_statement_about_a_receipt_that_is_missing_is_left_open(
    world: World, files: dict[str, bytes]
) -> None:
    rest = {name: data for name, data in files.items() if not name.startswith("receipt-")}
    verdicts = judged(world, rest, world.identity.certificate)
    for item in ("sign-in.p7s", "release.p7s"):
        assert verdicts[item].verdict == "cannot-tell", verdicts[item]
        assert digest(files["receipt-001.p7s"]) in verdicts[item].reason
    assert verdicts["confirm.p7s"].verdict == "valid"


def test_items_of_a_replaced_bid_are_left_open(world: World, files: dict[str, bytes]) -> None:
    other = world.signed(msgspec.structs.replace(world.stub, sealed_sha256=hex32("newer")))
    verdicts = judged(world, {**files, "bid.stub": other}, world.identity.certificate)
    assert verdicts["bid.stub"].verdict == "valid"
    for item in ("finalize-001.p7s", "receipt-001.p7s"):
        assert verdicts[item].verdict == "cannot-tell"
        assert "another stub" in verdicts[item].reason


def invalid_item(world: World, files: dict[str, bytes], item: str) -> str:
    verdict = judged(world, files, world.identity.certificate)[item]
    assert verdict.verdict == "invalid", verdict
    return verdict.reason


def test_a_statement_of_a_competitor_is_not_ours(world: World, files: dict[str, bytes]) -> None:
    statement = finalize_statement(world.stub, digest(world.stub_data), SUBMISSION, "n-1")
    forged = {**files, "finalize-001.p7s": world.signed(statement, world.rival)}
    assert RIVAL_USCC in invalid_item(world, forged, "finalize-001.p7s")


def test_a_withdrawal_counts_when_the_bidder_signed_it(world: World, files: dict[str, bytes]) -> None:
    first = digest(files["receipt-001.p7s"])
    true = withdraw_statement(read_receipt(files["receipt-001.p7s"]), "n-5")
    elsewhere = msgspec.structs.replace(true, receipt_sha256=hex32("another"))
    other_lot = msgspec.structs.replace(true, lot="lot-2")
    for said, by, verdict in (
        (true, world.bidder, "valid"),
        (true, world.rival, "invalid"),
        (other_lot, world.bidder, "invalid"),
        (elsewhere, world.bidder, "cannot-tell"),
    ):
        statement = world.signed(said, by)
        receipt = world.receipt(
            kind="withdrawal",
            receipt_no="R-2",
            previous_receipt_sha256=first,
            statement_sha256=digest(statement),
        )
        data = world.signed(receipt, world.identity)
        more = {
            "withdraw-001.p7s": statement,
            "receipt-002.p7s": data,
            "receipt-002.tsr": world.stamped(data),
        }
        found = judged(world, {**files, **more}, world.identity.certificate)
        assert found["withdraw-001.p7s"].verdict == verdict
        assert (found["receipt-002.p7s"].verdict == "valid") == (by is world.bidder and said is not elsewhere)


def test_a_readout_behind_the_last_head_that_the_network_signed_is_left_open(
    world: World, files: dict[str, bytes]
) -> None:
    events = [canonical.loads(line, Event, "event") for line in files["chain.jsonl"].splitlines()]
    before = Chain(OPENING)
    for event in events[:-1]:
        before.append(event)
    answer = world.acknowledged(files["confirm.p7s"], before)
    verdicts = judged(world, {**files, "acknowledgement-confirm.p7s": answer}, world.identity.certificate)
    assert verdicts["acknowledgement-confirm.p7s"].verdict == "valid"
    assert verdicts["readout.json"].verdict == "cannot-tell"


def test_a_finalize_statement_about_other_bytes_is_invalid(world: World, files: dict[str, bytes]) -> None:
    statement, _ = read_statement(world.finalize, FinalizeStatement)
    other = world.signed(msgspec.structs.replace(statement, sealed_sha256=hex32("other")))
    assert "sealed_sha256" in invalid_item(world, {**files, "finalize-001.p7s": other}, "finalize-001.p7s")


def test_a_receipt_text_that_says_something_else_is_invalid(world: World, files: dict[str, bytes]) -> None:
    kinder = canonical.dumps(world.receipt(received_at=instant_text(world.now - timedelta(days=1))))
    assert "receipt-001.json" in invalid_item(world, {**files, "receipt-001.json": kinder}, "receipt-001.p7s")


def test_an_acknowledgement_of_a_statement_that_the_chain_lacks_is_invalid(
    world: World, files: dict[str, bytes]
) -> None:
    chain = chain_of(("opening-scheduled", {"lot": LOT}), at=world.now)
    short = b"".join(canonical.dumps(event) + b"\n" for event in chain.events)
    reason = invalid_item(world, {**files, "chain.jsonl": short}, "acknowledgement-release.p7s")
    assert "E-CHAIN" in reason


def test_a_journal_with_a_line_taken_out_is_invalid(world: World, files: dict[str, bytes]) -> None:
    lines = files["journal.jsonl"].splitlines(keepends=True)
    assert "E-CHAIN" in invalid_item(world, {**files, "journal.jsonl": lines[0] + lines[2]}, "journal.jsonl")


def test_a_readout_without_our_row_or_with_another_is_invalid(world: World, files: dict[str, bytes]) -> None:
    readout = canonical.loads(files["readout.json"], Readout, "readout")
    for rows in (readout.rows[1:], (msgspec.structs.replace(readout.rows[0], price_fen=1), readout.rows[1])):
        changed = canonical.dumps(msgspec.structs.replace(readout, rows=rows))
        invalid_item(world, {**files, "readout.json": changed}, "readout.json")


def test_a_receipt_that_does_not_follow_the_one_before_it_is_invalid(
    world: World, files: dict[str, bytes]
) -> None:
    first = digest(files["receipt-001.p7s"])
    for previous, verdict in ((first, "valid"), (None, "invalid")):
        again = world.receipt(receipt_no="R-2", previous_receipt_sha256=previous, replaces=SUBMISSION)
        data = world.signed(again, world.identity)
        more = {"receipt-002.p7s": data, "receipt-002.tsr": world.stamped(data)}
        found = judged(world, {**files, **more}, world.identity.certificate)
        assert found["receipt-002.p7s"].verdict == verdict


def test_a_readout_that_the_chain_does_not_announce_is_invalid(world: World, files: dict[str, bytes]) -> None:
    lines = files["chain.jsonl"].splitlines(keepends=True)
    short = {**files, "chain.jsonl": b"".join(lines[:-1])}
    assert "E-CHAIN" in invalid_item(world, short, "readout.json")


def test_a_tender_is_the_networks_own(world: World, files: dict[str, bytes]) -> None:
    content = canonical.dumps(make_tender(make_keys(world.root), 1))

    def signed_by(key: InMemoryKey) -> dict[str, bytes]:
        signature = cms.sign_detached(content, key, world.now)
        return {**files, "tender.json": content, "tender.p7s": signature}

    identity = world.identity.certificate
    assert judged(world, signed_by(world.identity), identity)[TENDER_ITEM].verdict == "valid"
    assert judged(world, signed_by(world.identity))[TENDER_ITEM].verdict == "cannot-tell"
    assert "E-SIGNATURE" in invalid_item(world, signed_by(world.rival), TENDER_ITEM)
    foreign = Authority.root("别家", 1002).issue("encryption", number=9).certificate.pem.decode()
    tender = msgspec.structs.replace(make_tender(make_keys(world.root), 1), opening_certificate=foreign)
    content = canonical.dumps(tender)
    assert judged(world, signed_by(world.identity), identity)[TENDER_ITEM].verdict == "cannot-tell"


def test_the_tender_is_verified_with_its_signature(world: World, files: dict[str, bytes]) -> None:
    content = b'{"not":"a tender"}'
    signature = cms.sign_detached(content, world.identity, world.now)
    reason = invalid_item(world, {**files, "tender.json": content, "tender.p7s": signature}, TENDER_ITEM)
    assert "E-FORMAT" in reason
    reason = invalid_item(world, {**files, "tender.json": b"{}", "tender.p7s": signature}, TENDER_ITEM)
    assert "E-SIGNATURE" in reason
