"""The company's certificates as the trade sees them: whose, what for, how long, and what hangs on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from bidclient.checks.validity import MARGIN
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.revocation import CLOCK_TOLERANCE
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.keychain import Keychain
from bidclient.desk.sealing import certificates_of
from bidclient.desk.trust import NO_NETWORK, Trust, standing_verdict
from bidclient.errors import BidError, FileProblem, UnknownIssuer
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.keys.info import KeyInfo
from bidclient.stages.evidence import Verdict
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.bids import Artefacts, BidFolder
from bidclient.store.state import RELEASE_ACKNOWLEDGED

Ends = Literal["in-time", "within-margin", "before-opening"]
"""When a certificate ends, seen from an opening: well after it, within 7 days after it, or before its end."""
_MOST_FOLDERS = 10_000


@dataclass(frozen=True)
class Dependency:
    """A sealed bid that is not opened yet and needs a certificate: `locks` are all that open it, hex SHA-256.

    `ends` judges the certificate against the end of the opening.
    """

    bid: str
    lot: str
    lot_name: str
    submitted: bool
    opening_at: str
    locks: tuple[str, ...]
    ends: Ends = "in-time"


@dataclass(frozen=True)
class HeldCertificate:
    """One certificate whose key is within reach.

    `pair` is the other half of a double certificate (双证书), hex SHA-256, None for a single one. `bids`
    depend on it: to be opened by it, or to be spoken for with it at the opening.
    """

    id: str
    place: str
    owner: str
    uscc: str | None
    uses: tuple[Literal["sign", "decrypt"], ...]
    suite: Literal["intl", "gm"]
    algorithm: str
    not_before: str
    not_after: str
    issuer: str
    sha256: str
    pair: str | None
    dates: Verdict
    chain: Verdict
    revocation: Verdict
    bids: tuple[Dependency, ...]


@dataclass(frozen=True)
class CertificatesPage:
    """Every certificate, the halves of a double certificate side by side.

    `orphans` are unopened bids that no key within reach opens; `unread` are folders that could not be read.
    `clock_ahead` is by how many seconds this computer's clock is ahead of the network's, None when that is
    not known; `clock_off` when it is too much for certificates and answers to be judged.
    """

    certificates: tuple[HeldCertificate, ...]
    orphans: tuple[Dependency, ...]
    unread: tuple[str, ...]
    clock_ahead: float | None
    clock_off: bool


class CertificatesDesk:
    """Looks at certificates and bids; changes nothing and asks for no PIN."""

    def __init__(
        self, keychain: Keychain, connections: Connections, trust: Trust, now: Clock, bids: Path | None
    ) -> None:
        """`bids` is the folder where the company keeps its bid folders."""
        self._keychain = keychain
        self._connections = connections
        self._trust = trust
        self._now = now
        self._bids = bids

    def page(self, bids: Path | None = None) -> CertificatesPage:
        """The page; unopened bids are looked for in `bids`, else in the folder of the settings.

        A bid folder, or a folder of them, will do. Raises FileProblem when it is none.
        """
        place = bids or self._bids
        waiting, unread = _unopened(place, self._now()) if place is not None else ((), ())
        keys = _side_by_side(self._keychain.listed())
        held = tuple(self._held(key, keys, waiting) for key in keys)
        here = {one.sha256 for one in held}
        ahead = self._trust.clock_ahead()
        return CertificatesPage(
            certificates=held,
            orphans=tuple(one for one, _ in waiting if not here.intersection(one.locks)),
            unread=unread,
            clock_ahead=ahead,
            clock_off=ahead is not None and abs(ahead) > CLOCK_TOLERANCE.total_seconds(),
        )

    def _held(
        self, key: KeyInfo, keys: Sequence[KeyInfo], waiting: Sequence[tuple[Dependency, datetime]]
    ) -> HeldCertificate:
        certificate = key.certificate
        chain, dates = self._chain(key), _dates(certificate, self._now())
        return HeldCertificate(
            id=key.id,
            place=key.label.partition(" · ")[0],
            owner=certificate.organization or certificate.common_name,
            uscc=certificate.uscc,
            uses=_uses(key),
            suite="gm" if certificate.key_algorithm == "sm2" else "intl",
            algorithm=certificate.key_algorithm,
            not_before=instant_text(certificate.not_before),
            not_after=instant_text(certificate.not_after),
            issuer=certificate.issuer_holder,
            sha256=certificate.sha256,
            pair=_pair(key, keys),
            dates=dates,
            chain=chain,
            revocation=self._revocation(key, chain, dates),
            bids=tuple(_judged(one, end, certificate) for one, end in waiting if _needs(one, key, keys)),
        )

    def _chain(self, key: KeyInfo) -> Verdict:
        profile = self._connections.known_profile
        if profile is None:
            return Verdict("chain", "cannot-tell", NO_NETWORK)
        certificate = key.certificate
        # The dates have a verdict of their own: an old certificate may still have to open a bid.
        at = min(max(self._now(), certificate.not_before), certificate.not_after)
        try:
            *_, anchor = verify_chain(certificate, key.chain, profile.anchors, at, "certificate")
        except UnknownIssuer as error:
            reason = f"unknown issuer: {error.issuer}; known: {error.known}"
            return Verdict("chain", "cannot-tell", reason, error)
        except BidError as error:
            return Verdict("chain", "invalid", str(error), error)
        return Verdict("chain", "valid", anchor.holder)

    def _revocation(self, key: KeyInfo, chain: Verdict, dates: Verdict) -> Verdict:
        for before in (dates, chain):
            # Issuers say nothing more of what has ended, and nobody's word counts where the chain is open.
            if before.verdict != "valid":
                return Verdict("revocation", "cannot-tell", before.reason, before.error)
        standing = self._trust.standing(key.certificate, key.chain)
        return standing_verdict("revocation", [(key.certificate.common_name, standing)])


def _dates(certificate: Certificate, now: datetime) -> Verdict:
    if now < certificate.not_before:
        return Verdict("dates", "invalid", "not yet valid")
    if now > certificate.not_after:
        return Verdict("dates", "invalid", "expired")
    return Verdict("dates", "valid", "")


def _uses(key: KeyInfo) -> tuple[Literal["sign", "decrypt"], ...]:
    uses: list[Literal["sign", "decrypt"]] = ["sign"] if key.can_sign else []
    return tuple([*uses, "decrypt"] if key.can_decrypt else uses)


# ----------------------------------------------------------------------------------- double certificates


def _holder(key: KeyInfo) -> tuple[str, str, str, str]:
    """What the halves of a double certificate share: holder, token, issuer, kind of key."""
    certificate = key.certificate
    owner = certificate.uscc or certificate.organization or certificate.common_name
    return (owner, key.source + key.token_serial, certificate.issuer, certificate.key_algorithm)


def _side_by_side(keys: Sequence[KeyInfo]) -> tuple[KeyInfo, ...]:
    """The keys with the halves of double certificates next to each other, signing first."""

    def place(key: KeyInfo) -> tuple[tuple[str, str, str, str], str, bool]:
        return (_holder(key), min(key.certificate.sha256, _pair(key, keys) or "g"), not key.can_sign)

    return tuple(sorted(keys, key=place))


def _pair(key: KeyInfo, keys: Sequence[KeyInfo]) -> str | None:
    """The other half: of the same holder, for the other use, issued nearest in time."""
    if key.can_sign and key.can_decrypt:
        return None
    others = [one for one in keys if one.can_sign != key.can_sign and _holder(one) == _holder(key)]
    others = [one for one in others if not (one.can_sign and one.can_decrypt)]
    if not others:
        return None

    def apart(one: KeyInfo) -> timedelta:
        return abs(one.certificate.not_before - key.certificate.not_before)

    return min(others, key=apart).certificate.sha256


# --------------------------------------------------------------------------------------- renewal guard


def _needs(one: Dependency, key: KeyInfo, keys: Sequence[KeyInfo]) -> bool:
    """Whether a bid is opened by this key, or is opened by its other half and needs this one to speak."""
    return key.certificate.sha256 in one.locks or (key.can_sign and _pair(key, keys) in one.locks)


def _judged(one: Dependency, end: datetime, certificate: Certificate) -> Dependency:
    ends: Ends = "in-time"
    if certificate.not_after < end:
        ends = "before-opening"
    elif certificate.not_after < end + MARGIN:
        ends = "within-margin"
    return Dependency(one.bid, one.lot, one.lot_name, one.submitted, one.opening_at, one.locks, ends)


def _unopened(place: Path, now: datetime) -> tuple[tuple[tuple[Dependency, datetime], ...], tuple[str, ...]]:
    """The unopened bids at `place`, each with the end of its opening, and the folders that do not read."""
    if not place.is_dir():
        raise FileProblem(str(place), "not a folder")
    found: list[tuple[Dependency, datetime]] = []
    unread: list[str] = []
    for path in _bid_folders(place):
        try:
            found += _waiting(BidFolder.open(path), now)
        except (BidError, OSError):
            unread.append(str(path))
    return tuple(found), tuple(unread)


def _bid_folders(place: Path) -> list[Path]:
    """`place` itself, and the bid folders right below it."""
    below = sorted(path for path in place.iterdir() if path.is_dir())[:_MOST_FOLDERS]
    return [path for path in (place, *below) if (path / "tender.tender").is_file()]


def _waiting(folder: BidFolder, now: datetime) -> Iterator[tuple[Dependency, datetime]]:
    """The submission in force and the bid in the making, as far as they are sealed, not opened, not late."""
    if (folder.opening / RELEASE_ACKNOWLEDGED).exists():
        return
    in_force = folder.in_force()
    sealed: dict[Path, Artefacts] = {}
    for artefacts in (folder.artefacts, *(() if in_force is None else (in_force[0],))):
        if artefacts.stub.is_file():
            sealed[artefacts.folder] = artefacts
    for artefacts in sealed.values():
        stub = read_stub(artefacts.stub.read_bytes())
        tender = read_tender(folder.tender_of(stub.stub.tender_version)).tender
        submitted = in_force is not None and in_force[0].folder == artefacts.folder
        if not submitted and parse_instant(tender.deadline) <= now:
            continue
        dependency = Dependency(
            bid=str(artefacts.folder),
            lot=tender.lot.code,
            lot_name=tender.lot.name,
            submitted=submitted,
            opening_at=tender.opening_at,
            locks=certificates_of(stub.frame),
        )
        yield dependency, _end_of_opening(tender)


def _end_of_opening(tender: Tender) -> datetime:
    return parse_instant(tender.opening_at) + timedelta(minutes=tender.decrypt_minutes)
