"""What a bidder signs to submit, and that no receipt but the true one is believed."""

import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.certificate import Certificate
from bidclient.errors import BadFormat, BadReceipt, BidError
from bidclient.formats.instant import instant_text
from bidclient.stages.submitted import (
    FinalizeStatement,
    Receipt,
    SignedReceipt,
    check_receipt,
    digest,
    read_receipt,
    read_statement,
    statement_bytes,
    withdraw_statement,
)
from tests.support.network_world import World, build, hex32
from tests.support.pki import USCC, Authority


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"))


def check(
    world: World,
    data: bytes,
    stamp: bytes,
    statements: Sequence[bytes] = (),
    anchors: tuple[Certificate, ...] = (),
    before: SignedReceipt | None = None,
) -> SignedReceipt:
    trusted = anchors or (world.root.certificate,)
    return check_receipt(
        data,
        stamp,
        world.stub_data,
        statements or (world.finalize,),
        (world.root.certificate,),
        trusted,
        world.identity.certificate,
        deadline=world.receipt().deadline,
        before=before,
    )


def test_a_statement_is_short(world: World) -> None:
    assert read_statement(world.finalize, FinalizeStatement)
    with pytest.raises(BadFormat, match="at most 1048576"):
        read_statement(bytes(2**20 + 1), FinalizeStatement)


def test_the_finalize_statement_repeats_the_stub_and_names_the_submission(world: World) -> None:
    statement, signed = read_statement(world.finalize, FinalizeStatement)
    assert signed.signer == world.bidder.certificate
    assert statement.stub_sha256 == digest(world.stub_data)
    assert (statement.sealed_sha256, statement.sealed_size, statement.file_root) == (
        world.stub.sealed_sha256,
        world.stub.sealed_size,
        world.stub.file_root,
    )
    assert (statement.submission, statement.nonce, statement.bidder) == ("submission-1", "n-1", USCC)


def test_the_true_receipt_is_accepted(world: World) -> None:
    data = world.signed(world.receipt(), world.identity)
    found = check(world, data, world.stamped(data), (b"an earlier try", world.finalize))
    assert found.receipt == world.receipt()
    assert found.sha256 == digest(data)


LIES: dict[str, object] = {
    "network": "别的网",
    "submission": "submission-2",
    "lot": "lot-2",
    "lot_code": "A3701000001000001001002AB",
    "tender_version": 2,
    "bidder": "91310000132200821H",
    "stub_sha256": hex32("other"),
    "sealed_sha256": hex32("other"),
    "sealed_size": 4097,
    "file_root": hex32("other"),
    "statement_sha256": hex32("other"),
    "checks": ("stub",),
}


@pytest.mark.parametrize("field", LIES)
def test_a_receipt_that_differs_from_our_bid_is_an_alarm(world: World, field: str) -> None:
    data = world.signed(world.receipt(**{field: LIES[field]}), world.identity)
    with pytest.raises(BadReceipt):
        check(world, data, world.stamped(data))


@pytest.mark.parametrize("late_by", [timedelta(0), timedelta(milliseconds=1)])
def test_arrival_at_the_deadline_is_late(world: World, late_by: timedelta) -> None:
    deadline = instant_text(world.now - late_by)
    data = world.signed(world.receipt(deadline=deadline), world.identity)
    with pytest.raises(BadReceipt, match="deadline"):
        check(world, data, world.stamped(data))


def test_a_receipt_dated_back_is_found_by_its_time_stamp(world: World) -> None:
    early = instant_text(world.now - timedelta(minutes=11))
    data = world.signed(world.receipt(received_at=early), world.identity)
    with pytest.raises(BadReceipt, match="stamped"):
        check(world, data, world.stamped(data))


def test_a_competitor_cannot_sign_a_receipt_though_its_chain_is_good(world: World) -> None:
    data = world.signed(world.receipt(), world.rival)
    with pytest.raises(BadReceipt, match="signed by"):
        check(world, data, world.stamped(data))


def test_the_time_stamp_must_be_of_this_receipt_and_of_a_trusted_service(world: World) -> None:
    data = world.signed(world.receipt(), world.identity)
    with pytest.raises(BadReceipt):
        check(world, data, world.stamped(data + b"x"))
    with pytest.raises(BadReceipt):
        check(world, data, b"not a response")
    with pytest.raises(BadReceipt):
        check(world, data, world.stamped(data), anchors=(Authority.root("别家", 1002).certificate,))


def test_a_withdrawal_receipt_names_the_receipt_that_it_ends(world: World) -> None:
    first = read_receipt(world.signed(world.receipt(), world.identity))
    statement = world.signed(withdraw_statement(first, "n-2"))

    def answer(previous: str) -> bytes:
        return world.signed(
            world.receipt(
                kind="withdrawal",
                statement_sha256=digest(statement),
                previous_receipt_sha256=previous,
                checks=(),
            ),
            world.identity,
        )

    good, bad = answer(first.sha256), answer(hex32("other"))
    assert check(world, good, world.stamped(good), (statement,)).receipt.kind == "withdrawal"
    with pytest.raises(BadReceipt, match="another receipt"):
        check(world, bad, world.stamped(bad), (statement,))


def test_a_deadline_that_is_not_the_tenders_is_an_alarm(world: World) -> None:
    later = instant_text(world.now + timedelta(hours=2))
    data = world.signed(world.receipt(deadline=later), world.identity)
    with pytest.raises(BadReceipt, match="the tender's is"):
        check(world, data, world.stamped(data))


def test_a_receipt_follows_the_last_one_that_we_had(world: World) -> None:
    first = read_receipt(world.signed(world.receipt(submission="submission-0"), world.identity))

    def answer(**changes: object) -> bytes:
        return world.signed(world.receipt(**changes), world.identity)

    good = answer(previous_receipt_sha256=first.sha256, replaces="submission-0")
    assert check(world, good, world.stamped(good), before=first).receipt.replaces == "submission-0"
    lies: list[tuple[dict[str, object], str]] = [
        ({"replaces": "submission-0"}, "does not follow"),
        ({"replaces": "submission-0", "previous_receipt_sha256": hex32("other")}, "does not follow"),
        ({"previous_receipt_sha256": first.sha256}, "replaces None"),
        ({"previous_receipt_sha256": first.sha256, "replaces": "submission-9"}, "replaces submission-9"),
    ]
    for changes, reason in lies:
        bad = answer(**changes)
        with pytest.raises(BadReceipt, match=reason):
            check(world, bad, world.stamped(bad), before=first)
    withdrawn = read_receipt(answer(kind="withdrawal"))
    again = answer(previous_receipt_sha256=withdrawn.sha256)
    assert check(world, again, world.stamped(again), before=withdrawn).receipt.replaces is None


def test_a_statement_of_another_kind_is_not_read_as_a_receipt(world: World) -> None:
    with pytest.raises(BadReceipt):
        read_receipt(world.finalize)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_flipped_bit_in_a_receipt_is_believed(world: World, position: int, bit: int) -> None:
    data = bytearray(world.signed(world.receipt(), world.identity))
    data[position % len(data)] ^= 1 << bit
    try:
        found = read_receipt(bytes(data))
    except BidError:
        return
    # What is outside the signature (the certificate bag) may still parse; the identity is then compared.
    assert found.receipt == world.receipt()


def test_every_field_of_a_receipt_is_covered_by_these_tests() -> None:
    judged = {*LIES, "received_at", "deadline", "kind", "previous_receipt_sha256", "replaces"}
    fixed = {"format", "version", "rule", "receipt_no", "log_index"}
    assert judged | fixed == {field.name for field in msgspec.structs.fields(Receipt)}


def test_stock_tools_verify_receipt_and_time_stamp_and_refuse_tampered_ones(
    world: World, tmp_path: Path
) -> None:
    data = statement_bytes(world.receipt(), world.identity, world.now)
    (tmp_path / "ca.pem").write_bytes(world.root.certificate.pem)
    (tmp_path / "receipt.p7s").write_bytes(data)
    (tmp_path / "receipt.tsr").write_bytes(world.stamped(data))

    def openssl(arguments: str) -> int:
        command = ["openssl", *arguments.split()]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=30).returncode

    def verify() -> tuple[int, int]:
        signature = openssl(
            "cms -verify -inform DER -in receipt.p7s -CAfile ca.pem -purpose any -out content"
        )
        return signature, openssl("ts -verify -in receipt.tsr -data receipt.p7s -CAfile ca.pem")

    assert verify() == (0, 0)
    assert (tmp_path / "content").read_bytes() == read_receipt(data).signed.content
    (tmp_path / "receipt.p7s").write_bytes(data.replace(b'"log_index":7', b'"log_index":8'))
    signature, stamp = verify()
    assert signature != 0
    assert stamp != 0
