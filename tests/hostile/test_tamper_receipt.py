"""Receipts and statements with one field changed: under the old signature, under an attacker's, by a liar."""

from base64 import b64encode

import msgspec
import pytest

from bidclient.errors import BadFormat, BadReceipt, BadSignature, Mismatch
from bidclient.formats import canonical
from bidclient.stages.chain import AcknowledgedHead, check_acknowledgement
from bidclient.stages.opened import ConfirmStatement, ObjectionStatement, ReleaseStatement, SignInStatement
from bidclient.stages.submitted import (
    FinalizeStatement,
    LoginStatement,
    Receipt,
    WithdrawStatement,
    check_receipt,
    read_statement,
    statement_bytes,
)
from bidclient.stages.tender import Record
from tests.sandbox.conftest import NewMarket
from tests.support.firms import code_of
from tests.support.network_world import NETWORK, OPENING, SUBMISSION, World, build, chain_of, hex32
from tests.support.pki import USCC
from tests.support.tampering import under_the_old_signature


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("tsa"))


def lied(record: Record, field: str) -> Record:
    """The record with another value, of the same type, in one field."""
    value = getattr(record, field)
    other: object
    if isinstance(value, int):
        other = value + 1
    elif isinstance(value, tuple):
        other = value[:-1]
    elif value is None or len(value) == 64:
        other = hex32("other")
    elif value.endswith("+08:00"):
        other = "2020-01-01T00:00:00.000+08:00"
    elif value == USCC:
        other = "91110000600037342J"
    else:
        other = value + "x"
    return msgspec.structs.replace(record, **{field: other})


# -------------------------------------------------------------------------------------------- receipts


def check(world: World, data: bytes) -> None:
    anchors = (world.root.certificate,)
    check_receipt(
        data,
        b"",
        world.stub_data,
        (world.finalize,),
        anchors,
        anchors,
        world.identity.certificate,
        deadline=None,
        before=None,
    )


@pytest.mark.parametrize("field", Receipt.__struct_fields__)
def test_a_receipt_edited_under_its_signature_is_an_alarm(world: World, field: str) -> None:
    true = world.signed(world.receipt(), world.identity)
    forged = under_the_old_signature(true, canonical.dumps(lied(world.receipt(), field)))
    with pytest.raises(BadReceipt, match="E-SIGNATURE"):
        check(world, forged)


@pytest.mark.parametrize("field", Receipt.__struct_fields__)
def test_a_receipt_signed_by_somebody_else_is_an_alarm(world: World, field: str) -> None:
    """The forger's certificate leads to the very roots that the network's does."""
    with pytest.raises(BadReceipt):
        check(world, world.signed(lied(world.receipt(), field), world.rival))


# ------------------------------------------------------------------------------------------ statements

_SAID: dict[str, object] = {
    "version": 1,
    "network": NETWORK,
    "submission": SUBMISSION,
    "bidder": USCC,
    "nonce": "n-1",
}
_IN_ROOM = _SAID | {"opening": OPENING}
STATEMENTS: tuple[Record, ...] = (
    LoginStatement(format="bidnet/login", version=1, network=NETWORK, nonce="n-1"),
    msgspec.convert(
        _SAID | {"format": "bidnet/withdraw", "lot": "lot-1", "receipt_sha256": hex32("receipt")},
        WithdrawStatement,
    ),
    msgspec.convert(
        _IN_ROOM | {"format": "bidnet/sign-in", "agent": "李代理", "receipt_sha256": hex32("receipt")},
        SignInStatement,
    ),
    msgspec.convert(
        _IN_ROOM
        | {
            "format": "bidnet/release",
            "receipt_sha256": hex32("receipt"),
            "opening_certificate_sha256": hex32("opening"),
            "wrapped_key": b64encode(b"key").decode(),
            "method": "key",
        },
        ReleaseStatement,
    ),
    msgspec.convert(
        _IN_ROOM
        | {
            "format": "bidnet/confirm",
            "table_sha256": hex32("table"),
            "row_sha256": hex32("row"),
            "verdict": "match",
            "note": "",
        },
        ConfirmStatement,
    ),
    msgspec.convert(
        _IN_ROOM | {"format": "bidnet/objection", "subject": "procedure", "text": "时间"}, ObjectionStatement
    ),
)
FIELDS = [(said, field) for said in STATEMENTS for field in said.__struct_fields__]


@pytest.mark.parametrize(("said", "field"), FIELDS, ids=lambda part: getattr(part, "format", part))
def test_no_field_of_a_statement_changes_under_its_signature(world: World, said: Record, field: str) -> None:
    data = world.signed(said)
    assert read_statement(data, type(said))[0] == said
    with pytest.raises(BadSignature):
        read_statement(under_the_old_signature(data, canonical.dumps(lied(said, field))), type(said))


@pytest.mark.parametrize("field", FinalizeStatement.__struct_fields__)
def test_no_field_of_a_finalize_statement_changes_under_its_signature(world: World, field: str) -> None:
    said, _ = read_statement(world.finalize, FinalizeStatement)
    forged = under_the_old_signature(world.finalize, canonical.dumps(lied(said, field)))
    with pytest.raises(BadSignature):
        read_statement(forged, FinalizeStatement)


@pytest.mark.parametrize("field", AcknowledgedHead.__struct_fields__)
def test_an_acknowledgement_is_the_networks_word_or_nothing(world: World, field: str) -> None:
    chain = chain_of(("signed-in", {}), at=world.now)
    anchors, identity = (world.root.certificate,), world.identity.certificate
    true = world.acknowledged(world.finalize, chain)
    head = check_acknowledgement(true, OPENING, world.finalize, anchors, identity)
    false = lied(head, field)
    edited = under_the_old_signature(true, canonical.dumps(false))
    with pytest.raises(BadSignature):
        check_acknowledgement(edited, OPENING, world.finalize, anchors, identity)
    with pytest.raises((BadSignature, Mismatch)):
        check_acknowledgement(world.signed(head, world.rival), OPENING, world.finalize, anchors, identity)


def test_statements_of_one_kind_are_never_read_as_another(world: World) -> None:
    """Each says what it is, so a signature given for one thing cannot be used for another."""
    signed = {type(said): world.signed(said) for said in STATEMENTS} | {FinalizeStatement: world.finalize}
    for kind in signed:
        for other, data in signed.items():
            if other is not kind:
                with pytest.raises(BadFormat):
                    read_statement(data, kind)


# ------------------------------------------------------------------------------- at the network's door

FINALIZE_ANSWERS = dict.fromkeys(FinalizeStatement.__struct_fields__, "statement-mismatch") | {
    "nonce": "nonce-invalid"
}


def test_the_network_refuses_a_statement_that_lies_in_any_field(new_market: NewMarket) -> None:
    market = new_market(2)
    firm, rival = market.firms
    bid = market.bid(firm)
    firm.register(market.lot)
    view = firm.create(market.lot, bid.stub).json()
    firm.upload(view, bid.sealed.path)
    path = f"/v1/submissions/{view['id']}/finalize"
    true, _ = read_statement(firm.finalize_statement(view, bid.stub), FinalizeStatement)
    for field, code in FINALIZE_ANSWERS.items():
        assert code_of(firm.say(path, lied(true, field))) == code, field
    assert code_of(firm.say(path, rival.signed(true))) == "cert-not-bound"
    by_encryption_key = statement_bytes(true, firm.keys.opener(), firm.now)
    assert code_of(firm.say(path, by_encryption_key)) == "bad-signature"
    state = firm.call("GET", f"/v1/submissions/{view['id']}").json()["state"]
    assert state == "uploaded"
    assert firm.say(path, true).status_code == 200
