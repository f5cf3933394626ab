"""The program that the bench of sealing measures: `prepare`, `seal` or `unseal` in the current folder."""

import os
import sys
from pathlib import Path

from bidclient.crypto.certificate import Certificate
from bidclient.formats import canonical
from bidclient.formats.bseal import read_frame
from bidclient.formats.wraps import Recipient, unwrap_secret
from bidclient.stages import sealed, sealing
from bidclient.stages.signed import read_signed
from bidclient.stages.tender import Tender


def prepare(mebibytes: int) -> None:
    """A signed bid of 40 documents, with all that the peers need."""
    from tests.support.pki import Authority
    from tests.support.sealing import make_bid, make_keys, make_tender

    keys = make_keys(Authority.root())
    tender = make_tender(keys, 40, suites=("intl-1", "gm-1"))
    sizes = [8 * 2**20] * 4 + [(mebibytes - 32) * 2**20 // 36] * 36
    bid = make_bid(Path(), tender, keys, sizes)
    Path("bid.zip").unlink()
    Path("tender.json").write_bytes(canonical.dumps(tender))
    Path("bidder.pem").write_bytes(keys.encryption.certificate.pem)
    made = sealing.seal(bid, tender, keys.bidder, Path("reference.sealed"))
    Path("secret").write_bytes(unwrap_secret(read_frame(made.path), keys.encryption))


def seal(suite: str = "intl-1") -> None:
    """Seal bid.asice as the program does: read it strictly, hash every document, encrypt, hash the result."""
    tender = canonical.loads(Path("tender.json").read_bytes(), Tender, "tender.json")
    recipient = Recipient("bidder", Certificate.from_pem(Path("bidder.pem").read_bytes()))
    sealing.seal(read_signed(Path("bid.asice")), tender, [recipient], Path("bid.sealed"), suite=suite)


def unseal() -> None:
    """Open reference.sealed, every chunk verified."""
    sealed.unseal(Path("reference.sealed"), Path("secret").read_bytes(), Path("again.asice"))


def main(verb: str, *options: str) -> None:
    """Run one of the verbs; the option "unsynced" leaves out fsync, as the peers do."""
    if "unsynced" in options:
        os.fsync = lambda fd: None
    if verb == "prepare":
        prepare(int(options[0]))
    elif verb == "seal":
        seal()
    else:
        unseal()


if __name__ == "__main__":
    main(*sys.argv[1:])
