"""The recovery code (信封码): 160 bits on paper that open a bid when every key has failed."""

import hashlib
import re
import secrets

from asn1crypto import algos, cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from bidclient.crypto import der
from bidclient.errors import BadEnvelope, BadFormat, WrongSecret

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("ILO", "110")
_BYTES = 20
_LETTERS = 32
_CHECK = 4
_GROUP = 4
_LIMIT = 4096
_KEY, _BLOCK = 32, 16
_AES256_WRAP = "2.16.840.1.101.3.4.1.45"


def new_code() -> str:
    """A fresh code: nine groups of four letters, the last group checks the others."""
    return code_text(secrets.token_bytes(_BYTES))


def code_text(value: bytes) -> str:
    """The spelling of a 20-byte code in letters that are never taken for each other (Crockford's base 32)."""
    number = int.from_bytes(value, "big")
    letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LETTERS)))
    whole = letters + _check_letters(value)
    return "-".join(whole[start : start + _GROUP] for start in range(0, len(whole), _GROUP))


def parse_code(text: str) -> bytes:
    """The 20 bytes of a code as a person types it: any case, blanks and dashes; I and L are 1, O is 0.

    Raises BadFormat for a slip of the pen, which the check letters find; the error does not repeat the code.
    """
    letters = re.sub(r"[\s\-–—]", "", text).upper().translate(_ALIKE)
    if len(letters) != _LETTERS + _CHECK:
        raise BadFormat("recovery code", f"{len(letters)} letters, {_LETTERS + _CHECK} needed")
    if not set(letters) <= set(_ALPHABET):
        raise BadFormat("recovery code", "a letter that no code has")
    number = 0
    for letter in letters[:_LETTERS]:
        number = number << 5 | _ALPHABET.index(letter)
    value = number.to_bytes(_BYTES, "big")
    if _check_letters(value) != letters[_LETTERS:]:
        raise BadFormat("recovery code", "the check letters do not fit")
    return value


def wrap(content: bytes | bytearray, code: str, salt: bytes) -> bytes:
    """DER CMS EnvelopedData with one KEKRecipientInfo (RFC 5652 §6.2.3, AES-256 key wrap, AES-256-CBC).

    `openssl cms -decrypt -secretkey HEX -secretkeyid HEX` opens it with key_of and key_identifier.
    Raises BadFormat for a code with a slip of the pen.
    """
    content_key, vector = secrets.token_bytes(_KEY), secrets.token_bytes(_BLOCK)
    padder = PKCS7(8 * _BLOCK).padder()
    padded = padder.update(bytes(content)) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(content_key), modes.CBC(vector)).encryptor()
    wrapped = aes_key_wrap(key_of(code, salt), content_key)
    return _skeleton(salt, vector, wrapped, encryptor.update(padded) + encryptor.finalize())


def unwrap(envelope: bytes, code: str, salt: bytes) -> bytes:
    """The content of such an envelope.

    Raises BadFormat for a code with a slip of the pen, WrongSecret for the code of another bid, BadEnvelope
    for an envelope that is not of this kind.
    """
    key = key_of(code, salt)
    vector, encrypted_key, ciphertext = _parts(envelope, salt)
    try:
        content_key = aes_key_unwrap(key, encrypted_key)
    except InvalidUnwrap as error:
        raise WrongSecret("the recovery code belongs to another bid") from error
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        decryptor = Cipher(algorithms.AES256(content_key), modes.CBC(vector)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise BadEnvelope("the recovery envelope does not open") from error


def key_of(code: str, salt: bytes) -> bytes:
    """The key encryption key: HKDF-SHA256 of the code's 20 bytes. Raises BadFormat."""
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=b"bidclient/recovery/1")
    return hkdf.derive(parse_code(code))


def key_identifier(salt: bytes) -> bytes:
    """Names the key inside the envelope; says nothing about the code."""
    return hashlib.sha256(b"bidclient/recovery-id/1\0" + salt).digest()[:16]


def _check_letters(value: bytes) -> str:
    check = int.from_bytes(hashlib.sha256(b"bidclient/recovery-check/1\0" + value).digest()[:3], "big") >> 4
    return "".join(_ALPHABET[check >> 5 * place & 31] for place in reversed(range(_CHECK)))


def _parts(envelope: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Initial vector, wrapped key and ciphertext of an envelope that must be exactly what `wrap` makes."""
    if len(envelope) > _LIMIT:
        raise BadEnvelope("the recovery envelope is too long")
    try:
        info = cms.ContentInfo.load(envelope, strict=True)
        content = info["content"]["encrypted_content_info"]
        recipient = info["content"]["recipient_infos"][0].chosen
        vector = der.octets(content["content_encryption_algorithm"]["parameters"])
        encrypted_key = der.octets(recipient["encrypted_key"])
        ciphertext = der.octets(content["encrypted_content"])
        again = _skeleton(salt, vector, encrypted_key, ciphertext)
    except der.PARSE_ERRORS as error:
        raise BadEnvelope("not a recovery envelope") from error
    if again != envelope:
        raise BadEnvelope("not the recovery envelope of this bid")
    return vector, encrypted_key, ciphertext


def _skeleton(salt: bytes, vector: bytes, encrypted_key: bytes, ciphertext: bytes) -> bytes:
    recipient = cms.KEKRecipientInfo(
        {
            "version": "v4",
            "kekid": {"key_identifier": key_identifier(salt)},
            "key_encryption_algorithm": {"algorithm": _AES256_WRAP},
            "encrypted_key": encrypted_key,
        }
    )
    enveloped = cms.EnvelopedData(
        {
            "version": "v2",
            "recipient_infos": [cms.RecipientInfo(name="kekri", value=recipient)],
            "encrypted_content_info": {
                "content_type": "data",
                "content_encryption_algorithm": algos.EncryptionAlgorithm(
                    {"algorithm": "aes256_cbc", "parameters": vector}
                ),
                "encrypted_content": ciphertext,
            },
        }
    )
    return bytes(cms.ContentInfo({"content_type": "enveloped_data", "content": enveloped}).dump())
