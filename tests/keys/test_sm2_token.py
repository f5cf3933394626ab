"""SM2 on tokens of many vendors, through a real library in a real key host: found, proven, remembered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms, sm
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import (
    BadEnvelope,
    Cancelled,
    DialectUnknown,
    KeyRefused,
    PinLocked,
    PinWrong,
    ProbeCostsPin,
    TokenRemoved,
)
from bidclient.keys.token import TokenSource
from bidclient.keys.token_key import TokenKey
from tests.support.pki import Authority
from tests.support.sm2_pki import Sm2Authority
from tests.support.sm2_token import MakeSm2Source, Sm2Token, sm2_library, sm2_source, sm2_token
from tests.support.sm2_use import MESSAGE, PIN, SM2, TRIES, WRONG, keys_of, openssl_says, sign_once
from tests.support.softhsm import Judge, Typist

FAMILIES = ("a", "b", "c", "unlisted")
INPUTS = ("e", "plain", "message")
FORMS = ("der", "132", "04-132", "123", "04-123")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sm2_library(tmp_path_factory.mktemp("sm2-module"))


@pytest.fixture
def token(tmp_path: Path, sm2_authority: Sm2Authority) -> Sm2Token:
    """A token that the test may ruin."""
    signing, encryption = sm2_authority.issue("signing"), sm2_authority.issue("encryption")
    return sm2_token(tmp_path / "token", signing, encryption, sm2_authority)


@pytest.fixture
def make(tmp_path: Path, token: Sm2Token, library: Path) -> Iterator[MakeSm2Source]:
    """make(memory=False, **environment): the token as another vendor's, behind a key host of its own."""
    made: list[TokenSource] = []

    def source(memory: bool = False, **environment: str) -> TokenSource:
        folder = tmp_path / "memory" if memory else None
        made.append(sm2_source(library, {**token.environment, **environment}, folder))
        return made[-1]

    yield source
    for one in made:
        one.close()


def open_once(source: TokenSource, envelope: bytes) -> bytes:
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        return key.unwrap(envelope)


def tries_and_ways(source: TokenSource) -> tuple[list[str], list[tuple[int, str, bool]]]:
    """What was tried for the signing key, the form of each, and the ways that are known then."""
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        learned = key.learn()
    ways = [(way.mechanism, way.form, way.remembered) for way in learned.ways]
    return [row.form for row in learned.tried], ways


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_signs_and_opens(
    make: MakeSm2Source, token: Sm2Token, openssl: Judge, tmp_path: Path, family: str
) -> None:
    source = make(SM2_FAMILY=family)
    signature = sign_once(source)
    assert openssl_says(openssl, tmp_path, token.signing.certificate, MESSAGE, signature)
    assert not openssl_says(openssl, tmp_path, token.signing.certificate, MESSAGE + b"!", signature)
    envelope = cms.make_envelope("恢复码".encode(), token.encryption.certificate)
    assert open_once(source, envelope) == "恢复码".encode()


@pytest.mark.parametrize("output", ["raw", "der"])
@pytest.mark.parametrize("taken", INPUTS)
def test_every_form_of_signing_is_found(
    make: MakeSm2Source, token: Sm2Token, openssl: Judge, tmp_path: Path, taken: str, output: str
) -> None:
    source = make(SM2_MECHANISMS=f"key=80000004 sign=80008100,{taken},{output}")
    assert openssl_says(openssl, tmp_path, token.signing.certificate, MESSAGE, sign_once(source))
    _, ways = tries_and_ways(source)
    names = {"e": "e", "plain": "z-message", "message": "message"}
    assert ways == [(0x80008100, f"{names[taken]} → {output}", False)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_opening_is_found_and_a_tampered_ciphertext_refused(
    make: MakeSm2Source, token: Sm2Token, form: str
) -> None:
    source = make(SM2_MECHANISMS=f"key=80000004 open=80008200,{form}")
    secret, vector, block = bytes(range(16)), bytes(16), bytes(32)
    cipher = sm.encrypt(token.encryption.certificate.sm2_point, secret)
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        opened = key.open_content(cipher, vector, block)
        assert opened == cms.sm4_cbc_decrypt(secret, vector, block)
        for place in (-1, -40):
            flipped = bytearray(cipher)
            flipped[place] ^= 1
            with pytest.raises(BadEnvelope):
                key.open_content(bytes(flipped), vector, block)
        with pytest.raises(BadEnvelope):
            key.open_content(cipher + b"\0", vector, block)
        assert key.open_content(cipher, vector, block) == opened


def test_a_family_that_nobody_knows_is_refused_with_its_own_list(
    make: MakeSm2Source, token: Sm2Token
) -> None:
    source = make(SM2_FAMILY="strange")
    typist = Typist(PIN)
    with pytest.raises(DialectUnknown) as caught, source.unlock(keys_of(source)[0], typist):
        pass
    assert (caught.value.token, caught.value.use) == ("国密锁", "sign")
    assert caught.value.mechanisms == "0x0000AB02, 0x0000AB01, 0x00000009, 0x00000001"
    assert len(typist.shown) == 1
    assert token.wrong_pins == 0


def test_a_key_that_is_not_the_certificates_is_never_used(
    make: MakeSm2Source, token: Sm2Token, sm2_authority: Sm2Authority
) -> None:
    (token.folder / "signing.key").write_bytes(sm2_authority.issue("signing").pem)
    with pytest.raises(DialectUnknown):
        sign_once(make(SM2_FAMILY="a"))


def test_what_was_found_is_remembered_and_not_searched_again(make: MakeSm2Source, token: Sm2Token) -> None:
    tried, ways = tries_and_ways(make(memory=True, SM2_FAMILY="unlisted"))
    assert tried == ["e", "z-message", "message → der"]
    assert ways == [(0x8000AB01, "message → der", False)]
    again = make(memory=True, SM2_FAMILY="unlisted")
    assert tries_and_ways(again) == ([], [(0x8000AB01, "message → der", True)])
    with again.unlock(keys_of(again)[0], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.sign([MESSAGE], SM2)
        assert [way.remembered for way in key.learn().ways] == [False]


def test_other_firmware_is_searched_for_itself(make: MakeSm2Source) -> None:
    tries_and_ways(make(memory=True, SM2_FAMILY="c", SM2_FIRMWARE="1.0"))
    tried, ways = tries_and_ways(make(memory=True, SM2_FAMILY="a", SM2_FIRMWARE="1.1"))
    assert tried
    assert ways == [(0x80008104, "e → der", False)]
    assert tries_and_ways(make(memory=True, SM2_FAMILY="c", SM2_FIRMWARE="1.0"))[0] == []


def test_a_memory_that_has_become_wrong_is_renewed_by_the_first_use(
    make: MakeSm2Source, token: Sm2Token, openssl: Judge, tmp_path: Path
) -> None:
    before, envelope = (
        make(memory=True, SM2_FAMILY="c"),
        cms.make_envelope(b"s", token.encryption.certificate),
    )
    sign_once(before)
    open_once(before, envelope)
    after = make(memory=True, SM2_FAMILY="b")
    assert openssl_says(openssl, tmp_path, token.signing.certificate, MESSAGE, sign_once(after))
    assert open_once(after, envelope) == b"s"
    last = make(memory=True, SM2_FAMILY="b")
    assert tries_and_ways(last) == ([], [(0x80000004, "e → raw", True)])
    with last.unlock(keys_of(last)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.learn().tried == ()


def test_a_wrong_memory_of_opening_is_told_from_a_bad_envelope(make: MakeSm2Source, token: Sm2Token) -> None:
    envelope = cms.make_envelope(b"s", token.encryption.certificate)
    open_once(make(memory=True, SM2_MECHANISMS="key=80000004 open=80008200,132"), envelope)
    changed = make(memory=True, SM2_MECHANISMS="key=80000004 open=80008200,123")
    flipped = bytearray(sm.encrypt(token.encryption.certificate.sm2_point, bytes(16)))
    flipped[-1] ^= 1
    with changed.unlock(keys_of(changed)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        with pytest.raises(BadEnvelope):
            key.open_content(bytes(flipped), bytes(16), bytes(16))
        assert key.unwrap(envelope) == b"s"
        assert [(way.form, way.remembered) for way in key.learn().ways] == [("C1C2C3", False)]


def test_an_rsa_key_beside_the_sm2_keys_works(
    make: MakeSm2Source, token: Sm2Token, authority: Authority
) -> None:
    token.add("rsa", authority.issue("signing", "rsa-2048", name="老证书"))
    source = make(SM2_FAMILY="a")
    listed = source.keys()
    (old,) = [key for key in listed if key.certificate.common_name == "老证书"]
    with source.unlock(old, Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.sign([MESSAGE], SignatureScheme.RSA_PKCS1_SHA256)
        with pytest.raises(KeyRefused):
            key.sign([MESSAGE], SM2)
        assert key.learn().ways == ()


def test_a_token_pulled_out_is_named_and_works_when_it_is_back(make: MakeSm2Source, token: Sm2Token) -> None:
    source = make(SM2_FAMILY="a")
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key:
        assert key.sign([MESSAGE], SM2)
        token.unplug()
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], SM2)
        token.plug_in()
        with pytest.raises(TokenRemoved):
            key.sign([MESSAGE], SM2)
    assert sign_once(source)


def test_wrong_pins_count_down_to_the_lock_and_none_is_tried_twice(
    make: MakeSm2Source, token: Sm2Token
) -> None:
    source = make(SM2_FAMILY="a")
    shown = []
    for number in range(1, TRIES):
        key, typist = keys_of(source)[0], Typist(WRONG)
        with pytest.raises(PinWrong) as caught, source.unlock(key, typist):
            pass
        shown += [(state.wrong_before, state.last_try) for _, state in typist.shown]
        assert token.wrong_pins == number
    assert caught.value.last_try
    assert shown == [(False, False), (True, False), (True, False), (True, False), (True, False)]
    assert keys_of(source)[0].pin.last_try
    with pytest.raises(PinLocked), source.unlock(keys_of(source)[0], Nobody(WRONG)):
        pass
    typist = Typist(PIN)
    with pytest.raises(PinLocked), source.unlock(keys_of(source)[0], typist):
        pass
    assert (typist.shown, token.wrong_pins) == ([], TRIES)


def test_a_key_that_wants_its_pin_each_time_is_not_searched_unasked(
    make: MakeSm2Source, token: Sm2Token
) -> None:
    source = make(memory=True, SM2_FAMILY="a", SM2_ALWAYS_AUTHENTICATE="1")
    typist = Typist(PIN, PIN)
    with source.unlock(keys_of(source)[0], typist) as key, pytest.raises(ProbeCostsPin) as caught:
        key.sign([MESSAGE], SM2)
    assert caught.value.tries > 1
    assert len(typist.shown) == 2


def test_asked_for_it_is_searched_with_one_pin_for_each_try_and_then_known(
    make: MakeSm2Source, token: Sm2Token
) -> None:
    strict = {"SM2_FAMILY": "unlisted", "SM2_ALWAYS_AUTHENTICATE": "1"}
    source, typist = make(memory=True, **strict), Typist(*[PIN] * 4)
    with source.unlock(keys_of(source)[0], typist) as key:
        assert isinstance(key, TokenKey)
        learned = key.learn(anew=True)
        assert [row.form for row in learned.tried] == ["e", "z-message", "message → der"]
    assert typist.pins == []
    later, typist = make(memory=True, **strict), Typist(PIN, PIN)
    with later.unlock(keys_of(later)[0], typist) as key:
        assert key.sign([MESSAGE], SM2)
    assert typist.pins == []


def test_a_wrong_pin_ends_the_search_at_once(make: MakeSm2Source, token: Sm2Token) -> None:
    source = make(SM2_FAMILY="unlisted", SM2_ALWAYS_AUTHENTICATE="1")
    typist = Typist(PIN, PIN, WRONG, PIN)
    with source.unlock(keys_of(source)[0], typist) as key:
        assert isinstance(key, TokenKey)
        with pytest.raises(PinWrong):
            key.learn(anew=True)
    assert token.wrong_pins == 1
    assert typist.pins == [PIN]


def test_who_wants_to_stop_is_asked_for_no_further_pin(make: MakeSm2Source) -> None:
    class Leaving(Typist):
        """Has had enough after two PINs."""

        def cancelled(self) -> bool:
            return len(self.shown) >= 2

    source = make(SM2_FAMILY="unlisted", SM2_ALWAYS_AUTHENTICATE="1")
    person = Leaving(PIN, PIN, PIN)
    with source.unlock(keys_of(source)[0], person) as key:
        assert isinstance(key, TokenKey)
        with pytest.raises(Cancelled):
            key.learn(anew=True)
    assert person.pins == [PIN]


def test_where_only_one_way_is_possible_the_use_itself_proves_it(
    make: MakeSm2Source, token: Sm2Token, openssl: Judge, tmp_path: Path
) -> None:
    one = {"SM2_MECHANISMS": "key=00010001 sign=00010002,e,der", "SM2_ALWAYS_AUTHENTICATE": "1"}
    source, typist = make(memory=True, **one), Typist(PIN, PIN, PIN)
    with source.unlock(keys_of(source)[0], typist) as key:
        signatures = key.sign([MESSAGE, MESSAGE], SM2)
    assert typist.pins == []
    assert all(
        openssl_says(openssl, tmp_path, token.signing.certificate, MESSAGE, signature)
        for signature in signatures
    )
    assert len(list((tmp_path / "memory").iterdir())) == 1


def test_a_remembered_way_that_fails_with_a_key_that_wants_its_pin_is_told(make: MakeSm2Source) -> None:
    tries_and_ways(make(memory=True, SM2_MECHANISMS="key=80000004 sign=80008100,e,raw"))
    changed = {"SM2_MECHANISMS": "key=80000004 sign=80008100,message,raw", "SM2_ALWAYS_AUTHENTICATE": "1"}
    source = make(memory=True, **changed)
    typist = Typist(PIN, PIN, PIN)
    with source.unlock(keys_of(source)[0], typist) as key, pytest.raises(ProbeCostsPin):
        key.sign([MESSAGE], SM2)
    assert typist.pins == [PIN]
