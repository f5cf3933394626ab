"""The words of tus 1.0.0 in the headers of a request."""

from base64 import b64decode
from binascii import Error as Base64Error

from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Call

VERSION = "1.0.0"
PATCH_TYPE = "application/offset+octet-stream"
EXTENSIONS = "creation,checksum,expiration,termination"


def check_version(call: Call) -> None:
    """The client speaks our version of tus. Raises Refusal."""
    if call.request.headers.get("tus-resumable") != VERSION:
        raise Refusal("precondition", f"Tus-Resumable: {VERSION}", headers={"Tus-Version": VERSION})


def number(call: Call, header: str) -> int:
    """A header that counts. Raises Refusal."""
    text = call.request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refusal("bad-request", f"{header}: a number is expected")
    return int(text)


def checksum(call: Call) -> bytes | None:
    """The SHA-256 in Upload-Checksum, None without one. Raises Refusal."""
    text = call.request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm != "sha256":
        raise Refusal("bad-request", "Upload-Checksum: sha256 is expected")
    try:
        return b64decode(value.strip(), validate=True)
    except (Base64Error, ValueError) as error:
        raise Refusal("bad-request", "Upload-Checksum: base64 is expected") from error


def metadata(text: str) -> dict[str, str]:
    """Upload-Metadata: pairs of a key and a base64 value, by commas (tus 1.0.0, creation). Raises Refusal."""
    pairs = {}
    try:
        for item in filter(None, (part.strip() for part in text.split(","))):
            key, _, value = item.partition(" ")
            pairs[key] = b64decode(value.strip(), validate=True).decode()
    except (Base64Error, ValueError) as error:
        raise Refusal("bad-request", "Upload-Metadata cannot be read") from error
    return pairs
