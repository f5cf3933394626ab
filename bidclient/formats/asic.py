"""Names and manifest of an ASiC-E container with CAdES (ETSI EN 319 162-1 V1.1.1 §4.4).

The manifest XML has one spelling for given content. Readers build it again and compare: no XML parser runs.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MIMETYPE_NAME = "mimetype"
MIMETYPE = b"application/vnd.etsi.asic-e+zip"
META = "META-INF/"
_MEDIA_TYPE = re.compile(r"[a-z0-9]+/[a-z0-9.+-]+")
_MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "xml": "application/xml",
}

Reference = tuple[str, str, bytes]
"""Entry name, media type, SHA-256 digest."""


def manifest_name(number: int) -> str:
    """The ASiCManifest of signature `number`, from 1."""
    return f"{META}ASiCManifest.xml" if number == 1 else f"{META}ASiCManifest{number:03d}.xml"


def signature_name(number: int) -> str:
    """The CAdES signature `number`, from 1."""
    return f"{META}signature{number:03d}.p7s"


def media_type(name: str) -> str:
    """The media type by the ending of an entry's name."""
    return _MEDIA_TYPES.get(name.rsplit(".", 1)[-1].lower(), "application/octet-stream")


def asic_manifest(signature: str, references: Iterable[Reference]) -> bytes:
    """The ASiCManifest (EN 319 162-1 §A.4) that binds the entries to the signature file named `signature`.

    Names become URI references: UTF-8, percent-encoded (RFC 3986 §2.1), so nothing needs XML escapes.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
        f'<asic:SigReference URI="{_uri(signature)}" MimeType="application/pkcs7-signature"/>',
    ]
    for name, kind, digest in references:
        if not _MEDIA_TYPE.fullmatch(kind):
            raise ValueError(f"media type {kind!r}")
        lines += [
            f'<asic:DataObjectReference URI="{_uri(name)}" MimeType="{kind}">',
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>',
            f"<ds:DigestValue>{base64.b64encode(digest).decode('ascii')}</ds:DigestValue>",
            "</asic:DataObjectReference>",
        ]
    return "\n".join([*lines, "</asic:ASiCManifest>", ""]).encode("ascii")


def _uri(name: str) -> str:
    return quote(name, safe="/")
