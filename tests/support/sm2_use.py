"""One use of an SM2 key on a token, whatever library it is behind, and OpenSSL's word on what came of it."""

from pathlib import Path

from bidclient.ask import Nobody
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme
from bidclient.keys.info import KeyInfo
from bidclient.keys.token import TokenSource
from tests.support.softhsm import Judge

PIN = b"482913"
WRONG = b"000000"
TRIES = 6
SM2 = SignatureScheme.SM2_SM3
MESSAGE = "投标函".encode()


def keys_of(source: TokenSource) -> tuple[KeyInfo, KeyInfo]:
    """The signing key and the encryption key."""
    keys = source.keys()
    (signing,) = [key for key in keys if key.can_sign]
    (encryption,) = [key for key in keys if key.can_decrypt]
    return signing, encryption


def sign_once(source: TokenSource, message: bytes = MESSAGE) -> bytes:
    """A signature with the signing key, which is unlocked for it."""
    with source.unlock(keys_of(source)[0], Nobody(PIN)) as key:
        (signature,) = key.sign([message], SM2)
    return signature


def openssl_says(
    openssl: Judge, folder: Path, certificate: Certificate, message: bytes, signature: bytes
) -> bool:
    """Whether OpenSSL takes the signature; its files are written to `folder`, where it runs."""
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    (folder / "certificate").write_bytes(certificate.pem)
    told = openssl("x509", "-in", "certificate", "-noout", "-pubkey")
    (folder / "public").write_bytes(told.stdout)
    options = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    files = ("-pubin", "-inkey", "public", "-in", "message", "-sigfile", "signature")
    return openssl("pkeyutl", "-verify", *files, *options).returncode == 0
