"""What every source of keys does, whatever it is and whatever kind of key it holds."""

from itertools import count

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms
from bidclient.crypto.private_key import MESSAGE_LIMIT, SignatureScheme, WrapScheme
from bidclient.errors import BadEnvelope, Cancelled, KeyRefused, PinWrong, WrongKey
from bidclient.keys.probe import probe
from tests.support.softhsm import PIN, Judge, Place, Typist

MESSAGES = [b"one", b"two", b"three"]


def schemes_for(place: Place) -> list[SignatureScheme]:
    if place.name.endswith("p-256"):
        return [SignatureScheme.ECDSA_SHA256]
    return [SignatureScheme.RSA_PKCS1_SHA256, SignatureScheme.RSA_PSS_SHA256]


def wraps_for(place: Place) -> list[WrapScheme]:
    if place.name.endswith("p-256"):
        return [WrapScheme.ECDH_SHA256]
    return [WrapScheme.RSA_OAEP_SHA1, WrapScheme.RSA_OAEP_SHA256, WrapScheme.RSA_PKCS1]


def test_the_listing_needs_nobody_and_says_what_each_key_is_for(place: Place) -> None:
    signing, encryption = place.info(place.signing), place.info(place.encryption)
    assert (signing.can_sign, signing.can_decrypt) == (True, False)
    assert (encryption.can_sign, encryption.can_decrypt) == (False, True)
    for key in (signing, encryption):
        assert key.id.endswith(":" + key.certificate.sha256[:8])
        assert not key.pin.wrong_before


def test_the_listing_is_the_same_every_time(place: Place) -> None:
    assert place.source.keys() == place.source.keys()


@pytest.mark.parametrize("altered", [False, True], ids=["as it is", "altered"])
def test_openssl_accepts_each_signature_and_not_for_altered_data(
    place: Place, openssl: Judge, altered: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("judge")
    data = b"a bid of 1,234,567.89"
    with place.unlock(place.signing, Nobody(PIN)) as key:
        signatures = {scheme: key.sign([data], scheme)[0] for scheme in schemes_for(place)}
    (folder / "signer.pem").write_bytes(place.signing.certificate.pem)
    (folder / "data").write_bytes(data.replace(b"1,", b"9,") if altered else data)
    public = openssl("x509", "-in", folder / "signer.pem", "-pubkey", "-noout").stdout
    (folder / "public.pem").write_bytes(public)
    for scheme, signature in signatures.items():
        (folder / "signature").write_bytes(signature)
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
        options = pss if scheme is SignatureScheme.RSA_PSS_SHA256 else []
        judged = openssl(
            "dgst", "-sha256", "-verify", folder / "public.pem", *options,
            "-signature", folder / "signature", folder / "data",
        )  # fmt: skip
        assert (judged.returncode == 0) is not altered, (scheme, judged.stderr)
        assert (b"Verified OK" in judged.stdout) is not altered


def test_a_batch_gives_one_signature_each_for_one_pin(place: Place) -> None:
    typist = Typist(PIN)
    with place.unlock(place.signing, typist) as key:
        signatures = key.sign(MESSAGES, schemes_for(place)[0])
    assert len(set(signatures)) == len(MESSAGES)
    assert len(typist.shown) == 1


def test_envelopes_of_every_scheme_open(place: Place) -> None:
    secret = bytes(range(32))
    with place.unlock(place.encryption, Nobody(PIN)) as key:
        for scheme in wraps_for(place):
            envelope = cms.make_envelope(secret, place.encryption.certificate, scheme)
            assert key.unwrap(envelope) == secret, scheme


def test_an_envelope_of_openssl_opens(
    place: Place, openssl: Judge, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("judge")
    (folder / "secret").write_bytes(b"0123456789abcdef0123456789abcdef")
    (folder / "recipient.pem").write_bytes(place.encryption.certificate.pem)
    ecdh = ["-keyopt", "ecdh_kdf_md:sha256"] if place.name.endswith("p-256") else []
    made = openssl(
        "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", "-in", folder / "secret",
        "-out", folder / "envelope", "-recip", folder / "recipient.pem", *ecdh,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with place.unlock(place.encryption, Nobody(PIN)) as key:
        assert key.unwrap((folder / "envelope").read_bytes()) == (folder / "secret").read_bytes()


def test_an_envelope_for_somebody_else_names_whose_it_is(place: Place) -> None:
    envelope = cms.make_envelope(bytes(32), place.encryption.certificate)
    with place.unlock(place.signing, Nobody(PIN)) as key, pytest.raises(WrongKey) as caught:
        key.unwrap(envelope)
    assert place.encryption.certificate.serial in caught.value.needed


def test_a_damaged_envelope_is_one_and_the_same_error_for_every_scheme(place: Place) -> None:
    reasons = set()
    with place.unlock(place.encryption, Nobody(PIN)) as key:
        for scheme in wraps_for(place):
            envelope = bytearray(cms.make_envelope(bytes(32), place.encryption.certificate, scheme))
            (recipient,) = cms.envelope_recipients(bytes(envelope))
            wrapped_key = envelope.index(b"\x04\x28" if scheme is WrapScheme.ECDH_SHA256 else b"\x04\x82")
            envelope[wrapped_key + 12] ^= 0x40
            assert recipient.serial == place.encryption.certificate.serial
            with pytest.raises(BadEnvelope) as caught:
                key.unwrap(bytes(envelope))
            reasons.add(caught.value.reason)
            # The key must go on working after a refusal.
            good = cms.make_envelope(b"after the refusal", place.encryption.certificate, scheme)
            assert key.unwrap(good) == b"after the refusal"
    assert len(reasons) == 1


def test_a_wrong_pin_is_asked_for_once_and_tried_once(place: Place) -> None:
    typist = Typist(b"wrong-pin", PIN)
    with pytest.raises(PinWrong), place.unlock(place.signing, typist):
        pass
    assert len(typist.shown) == 1
    with place.unlock(place.signing, typist) as key:
        assert key.certificate == place.signing.certificate


def test_nobody_to_type_the_pin_is_a_cancellation(place: Place) -> None:
    with pytest.raises(Cancelled), place.unlock(place.signing, Nobody()):
        pass


def test_the_issuers_that_came_with_the_key_are_its_chain(place: Place) -> None:
    with place.unlock(place.signing, Nobody(PIN)) as key:
        assert [one.sha256 for one in key.chain] == [one.sha256 for one in place.signing.chain]


def test_a_message_is_no_document(place: Place) -> None:
    scheme = schemes_for(place)[0]
    with place.unlock(place.signing, Nobody(PIN)) as key:
        assert key.sign([bytes(MESSAGE_LIMIT)], scheme)
        with pytest.raises(KeyRefused):
            key.sign([bytes(MESSAGE_LIMIT + 1)], scheme)


def test_a_scheme_for_another_kind_of_key_is_refused(place: Place) -> None:
    (other, *_) = set(SignatureScheme) - set(schemes_for(place))
    with place.unlock(place.signing, Nobody(PIN)) as key:
        with pytest.raises(KeyRefused):
            key.sign(MESSAGES, other)
        assert len(key.sign(MESSAGES, schemes_for(place)[0])) == len(MESSAGES)


def test_the_probe_tells_what_a_key_can_do_and_how_long_it_took(place: Place) -> None:
    ticks = count()
    for owner in (place.signing, place.encryption):
        with place.unlock(owner, Nobody(PIN)) as key:
            result = probe(key, lambda: float(next(ticks)))
        assert result.fingerprint == owner.certificate.sha256
        assert (result.sign_seconds, result.open_seconds) == (
            (1.0, None) if owner is place.signing else (None, 1.0)
        )
        assert result.scheme == (schemes_for(place)[0] if owner is place.signing else None)
