"""The ASiC manifest has one spelling, and XML tools read it."""

import base64
import hashlib
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.formats.asic import asic_manifest, manifest_name, media_type, signature_name
from bidclient.formats.names import name_problem

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
_names = st.text(min_size=1, max_size=20).filter(lambda name: name_problem(name) is None)


@settings(max_examples=150, deadline=None)
@given(st.lists(_names, max_size=5, unique=True))
def test_an_xml_parser_finds_what_was_put_in(names: list[str]) -> None:
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    xml = asic_manifest(
        signature_name(1), [(name, media_type(name), digest) for name, digest in digests.items()]
    )
    root = ET.fromstring(xml)  # noqa: S314
    assert root.tag == ASIC + "ASiCManifest"
    reference = root.find(ASIC + "SigReference")
    assert reference is not None
    assert reference.get("URI") == "META-INF/signature001.p7s"
    found = {
        unquote(element.get("URI", "")): base64.b64decode(element.findtext(DS + "DigestValue", ""))
        for element in root.iter(ASIC + "DataObjectReference")
    }
    assert found == digests
    assert xml.isascii()


def test_names_by_number() -> None:
    assert manifest_name(1) == "META-INF/ASiCManifest.xml"
    assert manifest_name(2) == "META-INF/ASiCManifest002.xml"
    assert signature_name(32) == "META-INF/signature032.p7s"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PDF", "application/pdf"),
        ("a.json", "application/json"),
        ("a", "application/octet-stream"),
        ("x.png", "image/png"),
    ],
)
def test_media_types(name: str, kind: str) -> None:
    assert media_type(name) == kind


def test_a_media_type_cannot_break_out_of_the_xml() -> None:
    with pytest.raises(ValueError, match="media type"):
        asic_manifest("s", [("a", 'x/y"><evil/>', bytes(32))])
