"""Companies with each kind of key in each place that keys live in, who bid for one lot beside each other."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from bidclient.ask import Ask, Nobody
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.crypto.uscc import uscc_check
from bidclient.desk import build
from bidclient.desk.opening import Confirmed
from bidclient.formats.money import amount_in_words, yuan_text
from bidclient.keys.info import KeySource
from bidclient.keys.mobile import MobileSource
from bidclient.keys.soft import SoftSource
from bidclient.network.clock import system_now, ticks
from bidclient.network.mobile import MobileLine
from bidclient.sandbox.certificates import SoftPrivateKey, key_pem
from bidclient.sandbox.phone_wallet import Wallet
from bidclient.sandbox.pki import BidderKeys, KeyType
from bidclient.sandbox.samples import SampleBid, load_bill, priced, sample_bid
from bidclient.sandbox.token import CONFIGURATION
from bidclient.stages.draft import Bidder as Company
from bidclient.stages.opened import ReleaseStatement
from bidclient.stages.submitted import read_statement
from tests.support import skf_token, sm2_token, sm2_use
from tests.support.desks import PIN, Bidder, settings_for, soft_desk
from tests.support.journey import attend_all, hall, other_keys, token_of
from tests.support.phone import PhonePerson, PhonePlayer
from tests.support.sandbox import Sandbox
from tests.support.sm2_pki import Sm2InMemoryKey
from tests.support.softhsm import softhsm_source

Where = Literal["pkcs11", "skf", "file", "phone"]
JUDGED_CERTIFICATE, JUDGED_KEY = "judged.pem", "judged.key"
"""What a judge opens the bid with, in the folder of the company."""
_NUMBERS = "甲乙丙丁戊己庚辛壬癸"
_CHEAPER = Decimal("0.003")


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix; with `second_lock` the first lock is lost before the opening."""

    where: Where
    signing: KeyType
    encryption: KeyType
    second_lock: KeyType | None = None

    def __str__(self) -> str:
        kinds = self.signing if self.signing == self.encryption else f"{self.signing}+{self.encryption}"
        second = "" if self.second_lock is None else f"-then-{self.second_lock}"
        return f"{self.where}-{kinds}{second}"

    @property
    def suite(self) -> str:
        """The suite that this company seals with where a lot takes both."""
        return "gm-1" if self.encryption == "sm2" else "intl-1"


@dataclass
class Travelled:
    """What a company has after the opening."""

    cell: Cell
    bidder: Bidder
    stages: list[str] = field(default_factory=list)
    confirmed: Confirmed | None = None

    @property
    def folder(self) -> Path:
        """bid/ and evidence/ lie here."""
        return self.bidder.folder

    @property
    def method(self) -> str:
        """How the secret was released."""
        statement = (self.bidder.bid / "opening" / "release.p7s").read_bytes()
        return read_statement(statement, ReleaseStatement)[0].method

    def note_stage(self) -> None:
        """Remember how far the bid is."""
        self.stages.append(self.bidder.desk.preparing.status(self.bidder.bid).stage)


@dataclass(frozen=True)
class Libraries:
    """The vendors' libraries that are compiled for these tests, each when it is first needed."""

    folder: Path

    @cached_property
    def sm2(self) -> Path:
        """PKCS #11 with SM2."""
        return sm2_token.sm2_library(self.folder)

    @cached_property
    def skf(self) -> Path:
        """SKF."""
        return skf_token.skf_library(self.folder)


def travel(
    folder: Path, sandbox: Sandbox, sample: str, cells: Sequence[Cell], libraries: Libraries
) -> dict[Cell, Travelled]:
    """All companies from the tender to the end of the opening, in one lot where nobody else bids."""
    sandbox.set_clock(system_now(), 1)
    with ExitStack() as stack:
        all_of_them = []
        lot = ""
        for number, cell in enumerate(cells):
            place = folder / str(cell)
            bidder = stack.enter_context(at_desk(place, sandbox, sample, number, cell, libraries))
            lot = lot or bidder.lot()
            one = Travelled(cell, bidder)
            _submit(one, lot)
            all_of_them.append(one)
        tender = all_of_them[0].bidder.bid / "tender.tender"
        with hall(sandbox, lot, tender, companies=0) as room:
            bidders = [one.bidder for one in all_of_them]
            confirmed = attend_all(bidders, room, _release)
            assert room.state == "closed"
        for one, said in zip(all_of_them, confirmed, strict=True):
            one.confirmed = said
            one.note_stage()
            one.bidder.desk.evidence.export(one.bidder.bid, one.folder / "evidence")
    return {one.cell: one for one in all_of_them}


def _submit(one: Travelled, lot: str) -> None:
    """From the tender to the receipt; a company with a second lock loses the first one then."""
    bidder, desk, ask = one.bidder, one.bidder.desk, one.bidder.ask
    bidder.drafted(lot)
    one.note_stage()
    desk.signing.pack(bidder.bid)
    one.note_stage()
    desk.signing.sign(bidder.bid, bidder.signing, ask)
    one.note_stage()
    second = None
    if one.cell.second_lock is not None:
        second, settings = other_keys(bidder, one.folder / "second", key_type=one.cell.second_lock)
        files = [*map(Path, bidder.settings.pfx_files), *map(Path, settings.pfx_files)]
        with soft_desk(settings_for(bidder.sandbox, files)) as both:
            both.sealing.seal(bidder.bid, bidder.signing, ask, second_lock=second.encryption_cert.sha256)
        bidder.keys, bidder.settings, bidder.desk = second, settings, soft_desk(settings)
        desk = bidder.desk
    else:
        sealed = desk.sealing.seal(bidder.bid, bidder.signing, ask)
        assert sealed.rehearsal is not None
        assert sealed.rehearsal.complete
    one.note_stage()
    desk.submitting.submit(bidder.bid, bidder.signing, ask)
    one.note_stage()
    keep_for_judges(bidder.folder, bidder.keys.encryption_cert, bidder.keys.encryption_key)


def _release(bidder: Bidder) -> None:
    bidder.desk.opening.release(bidder.bid, bidder.signing, bidder.ask)


def keep_for_judges(folder: Path, certificate: Certificate, key: SoftPrivateKey) -> None:
    """Leave what opens the bid, unprotected."""
    (folder / JUDGED_CERTIFICATE).write_bytes(certificate.pem)
    (folder / JUDGED_KEY).write_bytes(key_pem(key))


# ------------------------------------------------------------------------------------------------- desks


@contextmanager
def at_desk(
    folder: Path, sandbox: Sandbox, sample: str, number: int, cell: Cell, libraries: Libraries
) -> Iterator[Bidder]:
    """The company with this number at a desk that sees its own keys only."""
    folder.mkdir(parents=True)
    offer = offer_of(sample, number)
    settings, ask = settings_for(sandbox), Nobody(PIN)
    seen: Ask = ask
    source: KeySource
    if cell.where == "phone":
        keys, source, seen = _on_phone(folder, sandbox, offer.bidder, cell)
    else:
        keys = _issued(sandbox, offer.bidder, cell)
        if cell.where == "file":
            files = keys.write(folder / "keys", "company", PIN)
            settings, source = settings_for(sandbox, files), SoftSource(files)
        elif cell.where == "skf":
            source, seen = _on_skf(folder, keys, libraries), Nobody(sm2_use.PIN)
        elif cell.signing == "sm2":
            source, seen = _on_sm2_token(folder, keys, libraries), Nobody(sm2_use.PIN)
        else:
            source = softhsm_source({CONFIGURATION: token_of(folder / "token", keys)})
    with build(settings, now=system_now, sources=(source,)) as desk:
        if isinstance(seen, PhonePerson):
            desk.keychain.pair(seen)
        yield Bidder(folder, sandbox, keys, settings, desk, seen, sample, folder / "templates", other=offer)
    if isinstance(seen, PhonePerson):
        seen.check()


def offer_of(sample: str, number: int) -> SampleBid:
    """What the company with this number offers: the sample's documents, a name and a price of its own."""
    wanted = sample_bid(sample)
    first = f"91629999TBX004{number:03d}"
    company = Company(
        name=f"陇上{_NUMBERS[number]}号建设有限公司",
        uscc=first + uscc_check(first),
        legal_representative="傅砚秋",
        agent="牧知行",
        phone=f"0931-00005{number:02d}",
    )
    prices = priced(load_bill(sample).items, 1 - number * _CHEAPER)
    total = sum(item.total_fen for item in prices)
    form = {
        **wanted.form,
        "total-price": yuan_text(total),
        "price-in-words": amount_in_words(total),
    }
    return replace(wanted, bidder=company, form=form, prices=prices, total_fen=total)


def _issued(sandbox: Sandbox, company: Company, cell: Cell) -> BidderKeys:
    signs = sandbox.issue(company.name, company.uscc, cell.signing)
    if cell.encryption == cell.signing:
        return signs
    opens = sandbox.issue(company.name, company.uscc, cell.encryption)
    return replace(
        signs,
        encryption_key=opens.encryption_key,
        encryption_cert=opens.encryption_cert,
        chain=tuple(dict.fromkeys((*signs.chain, *opens.chain))),
    )


def _sm2_pair(keys: BidderKeys) -> tuple[Sm2InMemoryKey, Sm2InMemoryKey]:
    """The two keys as the folders of token and device take them."""
    assert isinstance(keys.signing_key, Sm2PrivateKey)
    assert isinstance(keys.encryption_key, Sm2PrivateKey)
    return (
        Sm2InMemoryKey(keys.signing_key, keys.signing_cert, keys.chain),
        Sm2InMemoryKey(keys.encryption_key, keys.encryption_cert, keys.chain),
    )


def _on_sm2_token(folder: Path, keys: BidderKeys, libraries: Libraries) -> KeySource:
    token = sm2_token.sm2_token(folder / "token", *_sm2_pair(keys))
    return sm2_token.sm2_source(libraries.sm2, token.environment)


def _on_skf(folder: Path, keys: BidderKeys, libraries: Libraries) -> KeySource:
    device = skf_token.skf_device(folder / "devices" / "KEY1", "SKF-0001", *_sm2_pair(keys))
    return skf_token.skf_source(libraries.skf, device.environment)


def _on_phone(
    folder: Path, sandbox: Sandbox, company: Company, cell: Cell
) -> tuple[BidderKeys, MobileSource, PhonePerson]:
    """A phone with the company's certificates, and the person who approves there, not paired yet."""
    assert cell.signing == cell.encryption, "a phone gets two certificates of one kind"
    wallet = Wallet(sandbox.data)
    identity = wallet.add(company.name, company.uscc, cell.signing)
    keys = wallet.keys(identity)
    assert keys is not None
    source = MobileSource(MobileLine(sandbox.url), folder / "phone.pem", ticks)
    player = PhonePlayer(sandbox.url, identity.id)
    return keys, source, PhonePerson(player.approve)
