"""A bidder at a desk, with keys from a sandbox's authority, and a bid as far on as a test needs it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bidclient.ask import Ask, Nobody
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.keys.soft import SoftSource
from bidclient.network.clock import system_now
from bidclient.sandbox.pki import BidderKeys, KeyType, trust_files
from bidclient.sandbox.samples import SampleBid, sample_bid
from bidclient.sandbox.seal_maker import write_practice_seal
from bidclient.stages.draft import ClauseLink
from bidclient.store.settings import NetworkSettings, Settings, write_settings
from tests.support.sandbox import Levers

PIN = b"desk-4821"
SAMPLE = "construction"


@dataclass
class Bidder:
    """A company at its desk in `folder`."""

    folder: Path
    sandbox: Levers
    keys: BidderKeys
    settings: Settings
    desk: Desk
    ask: Ask
    sample: str
    templates: Path
    other: SampleBid | None = None
    """What this company offers, if it is not the sample's bidder."""

    @property
    def offer(self) -> SampleBid:
        """Who bids, and what."""
        return self.other or sample_bid(self.sample)

    @property
    def bid(self) -> Path:
        """The bid folder."""
        return self.folder / "bid"

    @property
    def signing(self) -> str:
        """Fingerprint of the signing certificate."""
        return self.keys.signing_cert.sha256

    def lot(self, *suites: str) -> str:
        """A new lot of the sample, its deadline two hours ahead; it takes the sample's suites, or these."""
        wanted = {"sample": self.sample, "minutes": 120, "suites": suites}
        return str(self.sandbox.control("lots", wanted)["lot"])

    def drafted(self, lot: str | None = None) -> Path:
        """A complete draft: for `lot`, which takes a second, or a copy of one for a lot that all tests
        share."""
        return self._copy("drafted") if lot is None else self._draft(lot)

    def signed(self, lot: str | None = None) -> Path:
        """Packed and signed too."""
        if lot is None:
            return self._copy("signed")
        self._draft(lot)
        self.desk.signing.pack(self.bid)
        self.desk.signing.sign(self.bid, self.signing, self.ask)
        return self.bid

    def sealed(self, lot: str | None = None) -> Path:
        """Sealed and rehearsed too."""
        self.signed(lot)
        self.desk.sealing.seal(self.bid, self.signing, self.ask)
        return self.bid

    def submitted(self, lot: str) -> Path:
        """Submitted too."""
        self.sealed(lot)
        self.desk.submitting.submit(self.bid, self.signing, self.ask)
        return self.bid

    def make_templates(self) -> None:
        """What later copies are taken from."""
        shutil.copytree(self._draft(self.lot()), self.templates / "drafted")
        self.desk.signing.pack(self.bid)
        self.desk.signing.sign(self.bid, self.signing, self.ask)
        shutil.copytree(self.bid, self.templates / "signed")

    def _copy(self, name: str) -> Path:
        shutil.copytree(self.templates / name, self.bid)
        return self.bid

    def _draft(self, lot: str) -> Path:
        wanted, desk = self.offer, self.desk
        desk.hall.register(lot, "联系人", "0934-0000000", self.signing, self.ask)
        desk.hall.download_tender(lot, self.folder / f"{lot}.tender", self.signing, self.ask)
        desk.preparing.new(self.folder / f"{lot}.tender", self.bid)
        fields = {f"bidder.{name}": getattr(wanted.bidder, name) for name in wanted.bidder.__struct_fields__}
        desk.preparing.set_fields(self.bid, fields | dict(wanted.form))
        desk.preparing.set_prices(self.bid, wanted.prices)
        for document in wanted.documents:
            desk.preparing.add(self.bid, document.part, [document.path], document.name)
        files = {one.name: one for one in desk.preparing.status(self.bid).documents}
        links = [
            ClauseLink(link.clause, files[link.document].part, files[link.document].file, link.page)
            for link in wanted.links
        ]
        desk.preparing.link(self.bid, links)
        self.stamp()
        return self.bid

    def stamp(self) -> None:
        """Put the seals on that the tender wants and that are not there yet."""
        is_sm2 = self.keys.signing_cert.key_algorithm == "sm2"
        order = SealOrder(electronic_seal=self._electronic_seal() if is_sm2 else None)
        done = self.desk.stamping.stamp(self.bid, self.signing, order, self.ask, timestamp=False)
        assert done.complete, done.files

    def _electronic_seal(self) -> Path:
        """The company's seal for its SM2 certificate, by a maker whom the sandbox has certified."""
        company, signer, path = self.offer.bidder, self.keys.signing_cert, self.folder / "company.esl"
        write_practice_seal(
            self.sandbox.data, signer, company.name, company.uscc, "company", path, system_now()
        )
        return path


def make_bidder(folder: Path, sandbox: Levers, sample: str = SAMPLE, key_type: KeyType = "p-256") -> Bidder:
    """The sample's bidder with a double certificate in files."""
    wanted = sample_bid(sample).bidder
    keys = sandbox.issue(wanted.name, wanted.uscc, key_type)
    pfx_files = keys.write(folder / "keys", "company", PIN)
    settings = settings_for(sandbox, pfx_files)
    write_settings(folder / "home" / "settings.toml", settings)
    return Bidder(
        folder,
        sandbox,
        keys,
        settings,
        soft_desk(settings),
        Nobody(PIN),
        sample,
        folder / "templates",
    )


def settings_for(sandbox: Levers, pfx_files: Sequence[Path] = ()) -> Settings:
    """What a company has set that bids on this sandbox."""
    return Settings(
        network=NetworkSettings(
            address=sandbox.url,
            kind="sandbox",
            trust=tuple(map(str, trust_files(sandbox.trust))),
            stamp_address=f"{sandbox.url}/tsa",
            ocsp=(f"{sandbox.url}/ocsp",),
            identity=str(sandbox.trust / "identity.pem"),
            seal_makers=(str(sandbox.trust / "seal-maker.pem"),),
        ),
        pfx_files=tuple(map(str, pfx_files)),
    )


def soft_desk(settings: Settings) -> Desk:
    """A desk that looks for keys in PFX files only: no key hosts, so it is there at once."""
    sources = (SoftSource(tuple(map(Path, settings.pfx_files))),)
    return build(settings, now=system_now, sources=sources)
