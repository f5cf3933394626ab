"""Bid folders for the self-check, and the desk at which it runs: shared by its tests."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from bidclient.checks.pdf import preflight
from bidclient.desk import Desk, build
from bidclient.desk.self_check import SelfCheckOrder, SelfCheckReport
from bidclient.desk.workplace import WorkplaceFiles
from bidclient.formats import atomic
from bidclient.similarity.findings.thresholds import THRESHOLDS, Thresholds
from bidclient.similarity.report.self_check import Found, SelfCheck
from bidclient.stages.draft import draft_bytes, read_draft
from bidclient.stages.tender import TenderPackage, write_tender
from bidclient.store.settings import CompanySettings, Settings
from tests.support.bids import (
    BIDDER,
    BIDDER_USCC,
    make_draft,
    make_pdf,
    make_pki,
    tender_record,
)
from tests.support.clauses import paragraph
from tests.support.pki import NOW

RIVAL, RIVAL_USCC = "另一家有限公司", "91629999TBX000028U"
COMPANY = CompanySettings(name=BIDDER, uscc=BIDDER_USCC)
FROZEN = Path(__file__).resolve().parent.parent / "frozen" / "v1" / "bid"
LINE, LINES = 32, 30
SECRET = "绝密报价策略"


def prose(seed: int, characters: int) -> str:
    """Bid prose that stands nowhere else."""
    random = Random(seed)
    text = ""
    while len(text) < characters:
        text += paragraph(random).strip()
    return text[:characters]


def pages(*texts: str) -> list[str]:
    """Texts as pages of lines that fit, each text from a new page on."""
    made = []
    for text in texts:
        lines = [
            line[at : at + LINE] for line in text.split("\n") for at in range(0, max(len(line), 1), LINE)
        ]
        made += ["\n".join(lines[at : at + LINES]) for at in range(0, len(lines), LINES)]
    return made


QUOTED = prose(1, 600)
EARLIER = prose(2, 1500)
OWN_WORDS = prose(3, 2500)


def readd(folder: Path, path: Path) -> None:
    """Let the draft know of a document as it is now."""
    draft = read_draft((folder / "draft.json").read_bytes())
    found = preflight(path)
    facts = {"sha256": found.sha256, "size": found.size, "pages": found.pages}
    documents = [
        msgspec.structs.replace(one, **facts) if one.file == path.name else one for one in draft.documents
    ]
    atomic.write(
        folder / "draft.json", draft_bytes(msgspec.structs.replace(draft, documents=tuple(documents)))
    )


def rewrite(folder: Path, name: str, content: Sequence[str], author: str = "") -> Path:
    """Another document in the place of one of the draft, which knows of it."""
    path = make_pdf(next((folder / "parts").rglob(name)), content, embedded=True, author=author)
    readd(folder, path)
    return path


def desk_in(folder: Path, company: CompanySettings = COMPANY, thresholds: Thresholds = THRESHOLDS) -> Desk:
    """A desk with all its data below `folder`."""
    files = WorkplaceFiles(folder / "data", folder / "data" / "ledger", folder / "settings" / "ends.json")
    return build(
        Settings(company=company, self_check=thresholds),
        environment={},
        now=lambda: NOW,
        sources=(),
        archive=folder / "archive",
        workplace=files,
        check_cache=folder / "cache",
    )


def check(desk: Desk, bid: Path, *named: Path, archive: bool = True) -> SelfCheckReport:
    """One self-check, without keys."""
    return desk.self_checking.run(bid, SelfCheckOrder(named, archive, with_keys=False))


def rules(record: SelfCheck, *severities: str) -> set[str]:
    """The rules that have findings, of these severities."""
    return {one.rule for one in record.findings if one.severity in (severities or ("blocking", "warning"))}


def of(record: SelfCheck, rule: str) -> Found:
    """The first finding of a rule."""
    return next(one for one in record.findings if one.rule == rule)


@pytest.fixture(scope="session")
def tender(tmp_path_factory: pytest.TempPathFactory) -> TenderPackage:
    """A tender whose document says QUOTED."""
    folder = tmp_path_factory.mktemp("tender")
    documents = {"documents/招标文件.pdf": make_pdf(folder / "tender.pdf", pages("招标文件\n" + QUOTED))}
    return write_tender(
        tender_record(make_pki()), documents, make_pki().network, NOW, folder / "tender.tender"
    )


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, tender: TenderPackage) -> Path:
    """A bid folder whose plan quotes the tender and says everything else in its own words."""
    folder = tmp_path_factory.mktemp("bids") / "一标段"
    folder.mkdir()
    draft, _ = make_draft(folder, tender)
    shutil.copy(tender.path, folder / "tender.tender")
    atomic.write(folder / "draft.json", draft_bytes(draft))
    rewrite(folder, "施工组织设计.pdf", pages(f"施工组织设计\n{OWN_WORDS}", QUOTED))
    return folder


@pytest.fixture
def bid(tmp_path: Path, clean: Path) -> Path:
    """A copy of the clean draft."""
    return Path(shutil.copytree(clean, tmp_path / "一标段"))


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory, clean: Path) -> Path:
    """What a check of the clean draft has left in the cache: most tests need not read it again."""
    folder = tmp_path_factory.mktemp("known")
    check(desk_in(folder), Path(shutil.copytree(clean, folder / "一标段")))
    return folder / "cache"


@pytest.fixture
def desk(tmp_path: Path, known: Path) -> Desk:
    """A desk that knows the clean draft from before."""
    shutil.copytree(known, tmp_path / "cache")
    return desk_in(tmp_path)
