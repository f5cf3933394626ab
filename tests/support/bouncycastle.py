"""BouncyCastle as a judge of SM2: one Java process for a session of tests, asked over its pipes."""

import subprocess
from pathlib import Path
from types import TracebackType

_SOURCE = Path(__file__).with_name("BouncyCastleJudge.java")
_JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcprov", "bcutil", "bcpkix")]
_DEFAULT_ID = b"1234567812345678"


class Disagrees(Exception):
    """BouncyCastle refuses what it was shown; the text is its reason."""


class BouncyCastle:
    """Each method returns what BouncyCastle says, or raises Disagrees."""

    def __init__(self) -> None:
        missing = [str(jar) for jar in _JARS if not jar.is_file()]
        assert not missing, f"{missing} missing: installers/linux/packages.sh judges"
        arguments = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"]
        self._process = subprocess.Popen(
            [*arguments, "-cp", ":".join(map(str, _JARS)), str(_SOURCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> "BouncyCastle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=10)
        finally:
            self._process.kill()

    def verify(self, point: bytes, message: bytes, signature: bytes, identity: bytes = _DEFAULT_ID) -> None:
        """An SM2 signature in DER over a message."""
        self._ask("verify-raw", point, message, identity, signature)

    def sign(self, secret: bytes, message: bytes, identity: bytes = _DEFAULT_ID) -> bytes:
        """Such a signature."""
        return bytes.fromhex(self._ask("sign", secret, message, identity))

    def encrypt(self, point: bytes, data: bytes) -> bytes:
        """A DER SM2Cipher."""
        return bytes.fromhex(self._ask("encrypt", point, data))

    def decrypt(self, secret: bytes, cipher: bytes) -> bytes:
        """What is in one."""
        return bytes.fromhex(self._ask("decrypt", secret, cipher))

    def verify_cms(
        self, cms: Path, trusted: Path, content: Path | None = None, at: int | None = None
    ) -> tuple[str, str]:
        """A SignedData and the chains of its signers to one trusted certificate (PEM or DER).

        `content` for a detached one; `at` in seconds since 1970 for the validity of certificates, else now.
        Returns the OIDs of digest and signature algorithm of the first signer.
        """
        words = [str(cms), str(trusted), "-" if content is None else str(content), "-" if at is None else at]
        digest, signature = self._ask("verify-cms", *words).split()
        return digest, signature

    def open_cms(self, cms: Path, secret: bytes) -> bytes:
        """The content of an EnvelopedData (SM2, SM4-CBC) for the private number `secret`."""
        return bytes.fromhex(self._ask("open-cms", str(cms), secret))

    def _ask(self, verb: str, *words: bytes | str | int) -> str:
        spoken = [word.hex() or "-" if isinstance(word, bytes) else str(word) for word in words]
        assert not any(" " in word for word in spoken), "the judge takes no blanks"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join([verb, *spoken]) + "\n")
        self._process.stdin.flush()
        verdict, _, reason = self._process.stdout.readline().rstrip("\n").partition(" ")
        if verdict != "OK":
            raise Disagrees(reason or "the judge gave no answer; is there a JDK?")
        return reason
