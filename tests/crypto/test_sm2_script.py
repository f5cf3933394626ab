"""What resources/verify/sm2.sh takes for signed is what we take for signed, whatever a signer thinks up."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from asn1crypto import core

from bidclient.crypto import cms, sm
from bidclient.errors import BidError
from bidclient.resource import read_bytes
from tests.support.pki import NOW
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

CHEAP, DEAR = b'{"price":"100"}', b'{"price":"999"}'
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d01090431220420")


def accepted(message: bytes, root: Sm2Authority, work: Path) -> bytes | None:
    """The content for which the script takes `message`, None when it refuses."""
    (work / "sm2.sh").write_bytes(read_bytes("verify/sm2.sh"))
    (work / "message").write_bytes(message)
    (work / "ca.pem").write_bytes(root.certificate.pem)
    command = "set -euo pipefail; . ./sm2.sh; sm2_signed message content ca.pem . - -no_check_time"
    done = subprocess.run(["bash", "-c", command], cwd=work, capture_output=True, check=False, timeout=60)
    return (work / "content").read_bytes() if done.returncode == 0 else None


def signed_with(key: Sm2InMemoryKey, extra: Sequence[asn1.CMSAttribute]) -> bytes:
    """A message over CHEAP whose signer has put attributes of his own beside the usual ones."""
    info = asn1.ContentInfo.load(cms.sign_attached(CHEAP, key, NOW))
    signer = info["content"]["signer_infos"][0]
    attributes = asn1.CMSAttributes([*signer["signed_attrs"], *extra])
    signer["signed_attrs"] = attributes
    signer["signature"] = key.key.sign(asn1.CMSAttributes([*attributes]).dump())
    return bytes(info.dump(force=True))


def test_the_script_takes_what_is_right_and_no_flipped_byte(
    sm2_root: Sm2Authority, sm2_signer: Sm2InMemoryKey, tmp_path: Path
) -> None:
    message = cms.sign_attached(CHEAP, sm2_signer, NOW)
    assert accepted(message, sm2_root, tmp_path) == CHEAP
    assert accepted(message.replace(CHEAP, DEAR), sm2_root, tmp_path) is None
    assert accepted(message, Sm2Authority.root(), tmp_path) is None


@pytest.mark.parametrize("place", ["other attribute", "second digest"])
def test_one_signature_does_not_fit_two_contents(
    place: str, sm2_root: Sm2Authority, sm2_signer: Sm2InMemoryKey, tmp_path: Path
) -> None:
    """The signer hides the digest of another content where a search for bytes would find it."""
    digest = core.OctetString(sm.sm3(DEAR))
    hidden = {
        "other attribute": {
            "type": "1.2.3.4.5",
            "values": [core.OctetString(MESSAGE_DIGEST + digest.native)],
        },
        "second digest": {"type": "message_digest", "values": [digest]},
    }
    message = signed_with(sm2_signer, [asn1.CMSAttribute(hidden[place])])
    swapped = message.replace(CHEAP, DEAR)
    with pytest.raises(BidError):
        cms.verify_attached(swapped, "message")
    assert accepted(swapped, sm2_root, tmp_path) is None
    if place == "other attribute":
        assert cms.verify_attached(message, "message").content == CHEAP
        assert accepted(message, sm2_root, tmp_path) == CHEAP
