"""What the sandbox's phone carries: identities of companies and persons, with their soft keys."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from bidclient.crypto.certificate import Certificate
from bidclient.formats import atomic
from bidclient.sandbox.certificates import SoftPrivateKey
from bidclient.sandbox.pki import BidderKeys, KeyType, issue_bidder, read_kept

HOME_PROVINCE = "演练省"
"""Where this authority is at home; it recognises no other's certificates."""
_FOLDER = "phone"
_CARD = "identity.json"
Kind = Literal["enterprise", "personal"]


class Identity(msgspec.Struct, frozen=True):
    """One identity in the phone; only companies at home have keys that this authority knows."""

    id: str
    name: str
    uscc: str
    kind: Kind
    province: str
    phone: str

    @property
    def masked_phone(self) -> str:
        """The number as a phone shows it."""
        return f"{self.phone[:3]}****{self.phone[-4:]}" if len(self.phone) > 7 else ""


@dataclass(frozen=True)
class Wallet:
    """The identities under `data`/phone; they are read anew each time, so that others may add some."""

    data: Path

    def add(
        self,
        name: str,
        uscc: str = "",
        key_type: KeyType = "p-256",
        *,
        kind: Kind = "enterprise",
        province: str = HOME_PROVINCE,
    ) -> Identity:
        """A new identity. Raises DiskProblem."""
        number = f"138{secrets.randbelow(10**8):08d}"
        identity = Identity(secrets.token_hex(8), name, uscc, kind, province, number)
        folder = self._folder / identity.id
        folder.mkdir(parents=True, mode=0o700)
        if kind == "enterprise" and province == HOME_PROVINCE:
            issue_bidder(self.data, name, uscc, key_type).keep(folder)
        atomic.write(folder / _CARD, msgspec.json.encode(identity))
        return identity

    def identities(self) -> list[Identity]:
        """All of them, companies first."""
        cards = [path.read_bytes() for path in self._folder.glob(f"*/{_CARD}")]
        found = [msgspec.json.decode(card, type=Identity) for card in cards]
        return sorted(found, key=lambda one: (one.kind, one.province != HOME_PROVINCE, one.name, one.id))

    def identity(self, wanted: str) -> Identity | None:
        """The identity with this id."""
        return next((one for one in self.identities() if one.id == wanted), None)

    def keys(self, identity: Identity) -> BidderKeys | None:
        """Its double certificate; None for one that this authority has not issued."""
        return _kept(self.data, self._folder / identity.id)

    def key(self, identity: Identity, fingerprint: str) -> tuple[SoftPrivateKey, Certificate] | None:
        """The key of one of its certificates, by SHA-256."""
        return next((one for one in self._pairs(identity) if one[1].sha256 == fingerprint), None)

    def issued(self, fingerprint: str) -> Certificate | None:
        """The certificate of any identity, by SHA-256."""
        pairs = (pair for identity in self.identities() for pair in self._pairs(identity))
        return next((certificate for _, certificate in pairs if certificate.sha256 == fingerprint), None)

    def _pairs(self, identity: Identity) -> Iterator[tuple[SoftPrivateKey, Certificate]]:
        keys = self.keys(identity)
        if keys is not None:
            yield keys.signing_key, keys.signing_cert
            yield keys.encryption_key, keys.encryption_cert

    @property
    def _folder(self) -> Path:
        return self.data / _FOLDER


@cache
def _kept(data: Path, folder: Path) -> BidderKeys | None:
    """Read once: an identity never changes, and RSA keys take long to load."""
    return read_kept(data, folder)


def fill_wallet(data: Path, name: str, uscc: str, key_type: KeyType) -> None:
    """Give the phone of a new sandbox the company's identity, a person's and one from elsewhere."""
    wallet = Wallet(data)
    known = {(one.uscc, one.name) for one in wallet.identities()}
    if (uscc, name) not in known:
        wallet.add(name, uscc, key_type)
    if not known:
        wallet.add("演示个人", kind="personal")
        wallet.add(name, uscc, province="邻省")
