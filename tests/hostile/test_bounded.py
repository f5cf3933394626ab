"""Files that claim to be huge, or are deep, or unfold: each is refused soon and in little memory."""

import base64
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bidclient.crypto import cms
from bidclient.formats import canonical, stored_zip
from bidclient.formats.asic import MIMETYPE, MIMETYPE_NAME
from bidclient.formats.bseal import MAGIC
from bidclient.stages.package import DIGESTS_NAME, MANIFEST_NAME
from bidclient.stages.tender import SIGNATURE_NAME, TENDER_NAME
from tests.support.pki import NOW, Authority, InMemoryKey
from tests.support.sandbox import ROOT

MEGABYTE = 1024 * 1024
MOST_SECONDS = 20.0
"""Mostly it is milliseconds; this leaves room for a busy computer."""
MOST_MEMORY = 160 * MEGABYTE


def archive(**entries: bytes) -> bytes:
    """A good archive of ours, whatever its entries hold."""
    file = io.BytesIO()
    writer = stored_zip.Writer(file)
    for name, data in entries.items():
        writer.add_bytes(name, data)
    writer.finish()
    return file.getvalue()


def package(manifest: bytes) -> bytes:
    """A package around a manifest."""
    return archive(**{MIMETYPE_NAME: MIMETYPE, MANIFEST_NAME: manifest, DIGESTS_NAME: b""})


def deflated(size: int) -> bytes:
    """A ZIP bomb: zeros, a thousand times smaller."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr(TENDER_NAME, bytes(size))
    return file.getvalue()


def claiming(data: bytes, **fields: int) -> bytes:
    """The archive with an end record that says something else: entries, length, offset."""
    values = list(struct.unpack("<4s4H2LH", data[-22:]))
    for name, value in fields.items():
        places = {"entries": (3, 4), "length": (5,), "offset": (6,)}[name]
        for place in places:
            values[place] = value
    return data[:-22] + struct.pack("<4s4H2LH", *values)


def sized(data: bytes, size: int) -> bytes:
    """The archive with one entry, which says that it has so many bytes."""
    central = data.index(b"PK\x01\x02")
    spoilt = bytearray(data)
    for start in (18, central + 20):
        struct.pack_into("<LL", spoilt, start, size, size)
    return bytes(spoilt)


def sealed(header_length: int, header: bytes, wraps_length: int, wraps: bytes) -> bytes:
    """The head of a sealed bid with lengths of one's own."""
    head = MAGIC + struct.pack(">L", header_length) + header + struct.pack(">L", wraps_length) + wraps
    return head.ljust(8192, b"\0")


def nested(depth: int) -> bytes:
    """DER: sequences inside each other, so deep."""
    data = b""
    for _ in range(depth):
        length = len(data)
        size = b"" if length < 0x80 else length.to_bytes((length.bit_length() + 7) // 8, "big")
        data = b"\x30" + bytes([0x80 | len(size)] if size else [length]) + size + data
    return data


def crumbs(size: int) -> bytes:
    """DER: one sequence of nulls."""
    body = b"\x05\x00" * (size // 2)
    return b"\x30\x83" + len(body).to_bytes(3, "big") + body


def lists(size: int) -> bytes:
    """JSON that takes thirty times its size in memory."""
    return b"[" + b",".join([b"[]"] * (size // 3)) + b"]"


@dataclass(frozen=True)
class Attack:
    """A file, made with some signer's key, and what its reader must say."""

    kind: str
    data: Callable[[InMemoryKey], bytes]
    error: str


def unfolding_tender(key: InMemoryKey) -> bytes:
    """A tender whose signature is right and whose tender.json is not."""
    text = lists(HUGE)
    signature = cms.sign_detached(text, key, NOW)
    return archive(**{TENDER_NAME: text, SIGNATURE_NAME: signature})


def one_entry(_key: InMemoryKey) -> bytes:
    """An archive with one entry."""
    return archive(**{TENDER_NAME: b"{}"})


HUGE = 15 * MEGABYTE
ATTACKS: dict[str, Attack] = {
    "a sealed header of 4 GiB": Attack("sealed", lambda _: sealed(2**32 - 1, b"{}", 2, b"00"), "BadSeal"),
    "sealed wraps of 4 GiB": Attack("sealed", lambda _: sealed(2, b"{}", 2**32 - 1, b"00"), "BadSeal"),
    "a deep sealed header": Attack("sealed", lambda _: sealed(60_000, b"[" * 60_000, 2, b"00"), "BadSeal"),
    "a huge tender.json": Attack(
        "tender", lambda _: archive(**{TENDER_NAME: bytes(17 * MEGABYTE), SIGNATURE_NAME: b"0"}), "BadArchive"
    ),
    "an unsigned tender that unfolds": Attack(
        "tender", lambda _: archive(**{TENDER_NAME: lists(HUGE), SIGNATURE_NAME: b"0"}), "BadFormat"
    ),
    "a signed tender that unfolds": Attack("tender", unfolding_tender, "BadFormat"),
    "a zip bomb": Attack("tender", lambda _: deflated(64 * MEGABYTE), "BadArchive"),
    "65535 entries": Attack("tender", lambda key: claiming(one_entry(key), entries=65535), "BadArchive"),
    "a directory of 4 GiB": Attack(
        "tender", lambda key: claiming(one_entry(key), length=2**32 - 1), "BadArchive"
    ),
    "an entry of 4 GiB": Attack("tender", lambda key: sized(one_entry(key), 2**32 - 2), "BadArchive"),
    "a manifest that unfolds": Attack("package", lambda _: package(lists(HUGE)), "BadFormat"),
    "a deep manifest": Attack("signed", lambda _: package(b"[" * HUGE), "BadFormat"),
    "a draft that unfolds": Attack("draft", lambda _: lists(HUGE), "BadFormat"),
    "a deep draft": Attack("draft", lambda _: b"[" * 900_000, "NotCanonical"),
    "a number without end": Attack("draft", lambda _: b"1" * HUGE, "NotCanonical"),
    "a stub of 33 MiB": Attack("stub", lambda _: bytes(33 * MEGABYTE), "BadFormat"),
    "a stub of crumbs": Attack("stub", lambda _: crumbs(MEGABYTE - 16), "BadFormat"),
    "a stub without ground": Attack("stub", lambda _: nested(100_000), "BadFormat"),
    "a signed stub that is deep": Attack(
        "stub", lambda key: cms.sign_attached(b"[" * 900_000, key, NOW), "NotCanonical"
    ),
    "a signed receipt that unfolds": Attack(
        "receipt", lambda key: cms.sign_attached(lists(HUGE), key, NOW), "BadReceipt"
    ),
    "an envelope of crumbs": Attack("envelope", lambda _: crumbs(MEGABYTE), "BadEnvelope"),
    "a certificate of crumbs": Attack("certificate", lambda _: crumbs(MEGABYTE), "BadCertificate"),
    "roots of 5 MiB": Attack(
        "anchors",
        lambda _: b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(4 * MEGABYTE)),
        "BadCertificate",
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What became of an attack."""

    error: str
    seconds: float
    grown: int


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All attacks on readers in one other process."""
    folder = tmp_path_factory.mktemp("bounded")
    key = Authority.root().issue("signing", "p-256", number=1)
    arguments: list[str] = []
    for number, attack in enumerate(ATTACKS.values()):
        path = folder / f"{number}"
        path.write_bytes(attack.data(key))
        arguments += [attack.kind, str(path)]
    command = [sys.executable, "-m", "tests.hostile.bounded_work", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr.decode()
    found = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(ATTACKS, found, strict=True))


@pytest.mark.parametrize("name", ATTACKS)
def test_what_claims_too_much_is_refused_soon_and_in_little_memory(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    assert outcome.error == ATTACKS[name].error
    assert outcome.seconds < MOST_SECONDS
    assert outcome.grown < MOST_MEMORY


def test_the_judge_of_memory_sees_what_an_unbounded_reader_takes() -> None:
    """json.loads alone takes what the readers above do not."""
    program = "import json, sys; sys.path.insert(0, '.')\n"
    program += "from tests.hostile.bounded_work import memory; from tests.hostile.test_bounded import lists\n"
    program += f"before = memory('VmRSS'); json.loads(lists({HUGE}))\n"
    program += "print(memory('VmHWM') - before)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=100
    )
    assert int(done.stdout) > MOST_MEMORY


def test_a_long_list_of_prices_is_not_too_many_values() -> None:
    rows = [[str(number), number, number] for number in range(100_000)]
    data = canonical.dumps(rows)
    assert canonical.loads(data, list[tuple[str, int, int]], "prices")[-1] == ("99999", 99_999, 99_999)
