"""What an attacker does to our files: other content under an old signature, other entries, other bytes."""

from collections.abc import Callable
from pathlib import Path

from asn1crypto import cms, core

from bidclient.formats import stored_zip

Change = Callable[[dict[str, bytes]], object]
"""Changes the entries of an archive in place."""


def under_the_old_signature(data: bytes, content: bytes) -> bytes:
    """A CMS SignedData with other content inside and everything else, the signature too, as it was."""
    info = cms.ContentInfo.load(data)
    inside = info["content"]["encap_content_info"]
    inside["content"] = core.OctetString(content)
    changed = bytes(info.dump(force=True))
    assert changed != data
    return changed


def entries_of(path: Path) -> dict[str, bytes]:
    """The entries of an archive of ours, in order."""
    with path.open("rb") as file:
        entries = stored_zip.read_entries(file, path.name)
        return {entry.name: stored_zip.read_small(file, entry, entry.size) for entry in entries}


def with_entries(path: Path, out: Path, change: Change) -> Path:
    """A copy of an archive with changed entries: a good archive, whatever it says."""
    files = entries_of(path)
    change(files)
    with out.open("w+b") as target:
        writer = stored_zip.Writer(target)
        for name, data in files.items():
            writer.add_bytes(name, data)
        writer.finish()
    return out
