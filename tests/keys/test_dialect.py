"""Which ways of SM2 are tried on a token, in which order, and that each form says the same thing."""

from hypothesis import given
from hypothesis import strategies as st

from bidclient.crypto import sm
from bidclient.keys.dialect import (
    Mechanism,
    OpeningWay,
    SigningWay,
    families,
    opening_candidates,
    signing_candidates,
)

KEY = sm.Sm2PrivateKey.generate()
SIGN, DECRYPT = 0x800, 0x200
FORMS = st.sampled_from(["der", "04-C1C3C2", "C1C3C2", "04-C1C2C3", "C1C2C3"])


def test_the_rows_have_names_of_their_own_and_something_to_try() -> None:
    names = [family.name for family in families()]
    assert {"sansec", "westone", "mk1"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(family.signing and family.opening for family in families())
    assert all(len(set(family.signing)) == len(family.signing) for family in families())


def test_only_what_the_token_lists_is_tried() -> None:
    listed = [Mechanism(0x80000004, SIGN | DECRYPT), Mechanism(0x1, SIGN | DECRYPT)]
    assert {way.mechanism for way in signing_candidates(listed, None)} == {0x80000004}
    assert {way.mechanism for way in opening_candidates(listed, None)} == {0x80000004}
    assert signing_candidates([], None) == ()


def test_the_family_of_the_keys_type_comes_first() -> None:
    listed = [Mechanism(number, SIGN) for number in (0x80008104, 0x00010002, 0x80000004, 0x8005000B)]
    for family in families():
        assert signing_candidates(listed, family.key_type)[0] in family.signing


def test_numbers_that_no_row_knows_come_last_and_only_for_what_the_token_says() -> None:
    listed = [
        Mechanism(0x80001234, SIGN),
        Mechanism(0x80005678, DECRYPT),
        Mechanism(0x80009999, 0),
        Mechanism(0x80008104, SIGN),
        Mechanism(0x00012345, SIGN | DECRYPT),
    ]
    signing = signing_candidates(listed, 0x80000004)
    assert signing[0].mechanism == 0x80008104
    assert {way.mechanism for way in signing} == {0x80008104, 0x80001234, 0x80009999}
    assert {way.mechanism for way in opening_candidates(listed, None)} == {0x80005678, 0x80009999}
    assert len(set(signing)) == len(signing)


def test_a_token_that_lists_very_much_is_not_tried_for_ever() -> None:
    listed = [Mechanism(0x80000000 + number, SIGN) for number in range(1000)]
    assert len({way.mechanism for way in signing_candidates(listed, None)}) < 50


@given(message=st.binary(max_size=300))
def test_each_input_leads_to_the_same_e(message: bytes) -> None:
    e = SigningWay(1, "e", "raw").prepared(KEY.point, message)
    assert sm.sm3(SigningWay(1, "z-message", "raw").prepared(KEY.point, message)) == e
    assert sm.signing_digest(KEY.point, SigningWay(1, "message", "raw").prepared(KEY.point, message)) == e


@given(message=st.binary(max_size=300))
def test_each_output_is_read_as_the_same_signature(message: bytes) -> None:
    signature = KEY.sign(message)
    assert SigningWay(1, "e", "der").signature(signature) == signature
    assert SigningWay(1, "e", "raw").signature(sm.signature_to_raw(signature)) == signature


@given(secret=st.binary(min_size=1, max_size=100), form=FORMS)
def test_each_form_of_a_ciphertext_holds_the_same_secret(secret: bytes, form: str) -> None:
    cipher = sm.encrypt(KEY.point, secret)
    way = next(way for family in families() for way in family.opening if way.takes == form)
    given_to_token = OpeningWay(1, way.takes).prepared(cipher)
    if form == "der":
        assert given_to_token == cipher
        return
    assert (given_to_token[:1] == b"\x04") or not form.startswith("04-")
    assert len(given_to_token) == 96 + len(secret) + form.startswith("04-")
    order: sm.CipherOrder = "C1C3C2" if "C1C3C2" in form else "C1C2C3"
    assert KEY.decrypt(sm.cipher_from_raw(given_to_token, order)) == secret
