"""The recovery code: what a person may type, and that stock OpenSSL opens what it wraps."""

import secrets
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms, core
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import recovery
from bidclient.errors import BadEnvelope, BadFormat, BidError, WrongSecret

SALT = bytes(range(32))


def test_a_code_is_nine_groups_of_four() -> None:
    codes = {recovery.new_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4] * 9
        assert not set("".join(groups)) & set("ILOU")
        assert len(recovery.parse_code(code)) == 20


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=20, max_size=20))
def test_code_text_round_trip(value: bytes) -> None:
    assert recovery.parse_code(recovery.code_text(value)) == value


def test_a_person_may_type_it_otherwise() -> None:
    value = (0x0110 << 144).to_bytes(20, "big")
    code = recovery.code_text(value)
    assert "0" in code
    assert "1" in recovery.code_text(b"\x08" * 20)
    assert recovery.parse_code(code.lower().replace("-", " ").replace("0", "o")) == value
    assert recovery.parse_code(recovery.code_text(b"\x08" * 20).replace("1", "l")) == b"\x08" * 20
    assert recovery.parse_code(code.replace("-", "—") + "\n") == value


def test_every_single_slip_is_found() -> None:
    code = recovery.code_text(bytes(range(20))).replace("-", "")
    for place in range(len(code)):
        for letter in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            slip = code[:place] + letter + code[place + 1 :]
            if slip == code:
                continue
            with pytest.raises(BadFormat) as caught:
                recovery.parse_code(slip)
            assert slip not in str(caught.value)


@pytest.mark.parametrize("text", ["", "ABCD", "U" * 36, "é" * 36, "0" * 37])
def test_what_is_no_code_is_told(text: str) -> None:
    with pytest.raises(BadFormat):
        recovery.parse_code(text)


def test_wrap_and_unwrap() -> None:
    code, content = recovery.new_code(), secrets.token_bytes(80)
    envelope = recovery.wrap(content, code, SALT)
    assert recovery.unwrap(envelope, code.lower(), SALT) == content
    assert recovery.wrap(content, code, SALT) != envelope
    with pytest.raises(WrongSecret):
        recovery.unwrap(envelope, recovery.new_code(), SALT)
    with pytest.raises(BadEnvelope):
        recovery.unwrap(envelope, code, b"\0" * 32)


def test_a_flipped_bit_never_opens_as_another_content() -> None:
    code, content = recovery.new_code(), secrets.token_bytes(80)
    envelope = recovery.wrap(content, code, SALT)
    for position in range(len(envelope)):
        spoilt = bytearray(envelope)
        spoilt[position] ^= 0x04
        try:
            opened = recovery.unwrap(bytes(spoilt), code, SALT)
        except BidError:
            continue
        # CBC has no integrity of its own; what protects the secret is the commitment of the sealed bid.
        assert opened != content
    for wrong in (b"", b"\x30\x00", envelope + b"\0", envelope[:-1], bytes(5000)):
        with pytest.raises(BadEnvelope):
            recovery.unwrap(wrong, code, SALT)


def test_an_envelope_that_counts_instead_of_holding_octets_is_refused() -> None:
    """A number in the place of the initial vector: so many zeros would not fit into any memory."""
    code = recovery.new_code()
    info = cms.ContentInfo.load(recovery.wrap(secrets.token_bytes(80), code, SALT))
    content = info["content"]["encrypted_content_info"]
    content["content_encryption_algorithm"] = {
        "algorithm": "1.2.156.10197.1.104.2",
        "parameters": core.Integer(1 << 50),
    }
    with pytest.raises(BadEnvelope):
        recovery.unwrap(info.dump(force=True), code, SALT)


@pytest.mark.parametrize(("path", "value"), [("vector", b"short"), ("vector", None), ("content", None)])
def test_an_envelope_with_parts_of_another_size_is_refused(path: str, value: bytes | None) -> None:
    code = recovery.new_code()
    info = cms.ContentInfo.load(recovery.wrap(secrets.token_bytes(80), code, SALT))
    encrypted = info["content"]["encrypted_content_info"]
    if path == "vector":
        encrypted["content_encryption_algorithm"]["parameters"] = value
    else:
        encrypted["encrypted_content"] = value
    with pytest.raises(BadEnvelope):
        recovery.unwrap(info.dump(force=True), code, SALT)


def openssl_decrypt(folder: Path, envelope: bytes, key: bytes, identifier: bytes) -> bytes | None:
    """What `openssl cms -decrypt` finds; None when it refuses."""
    (folder / "envelope.der").write_bytes(envelope)
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "envelope.der"]
    command += ["-secretkey", key.hex(), "-secretkeyid", identifier.hex()]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_openssl_opens_it_with_the_key_and_not_with_another(tmp_path: Path) -> None:
    code, content = recovery.new_code(), secrets.token_bytes(80)
    envelope = recovery.wrap(content, code, SALT)
    identifier = recovery.key_identifier(SALT)
    assert openssl_decrypt(tmp_path, envelope, recovery.key_of(code, SALT), identifier) == content
    other = recovery.key_of(recovery.new_code(), SALT)
    assert openssl_decrypt(tmp_path, envelope, other, identifier) != content
    spoilt = bytearray(envelope)
    spoilt[envelope.index(identifier) + 16 + 20] ^= 1
    assert openssl_decrypt(tmp_path, bytes(spoilt), recovery.key_of(code, SALT), identifier) != content
