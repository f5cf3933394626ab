"""The creation code of a draft that somebody, or another lot, has had before."""

import hashlib

from bidclient.formats.instant import instant_text
from bidclient.similarity.findings.copies import SeenCode, check_creation_code
from bidclient.stages.draft import Bidder, Draft
from tests.support.bids import BIDDER, BIDDER_USCC
from tests.support.pki import NOW

OTHER_USCC = "91629999TBX000028U"


def draft(code: str = "BC-0001", uscc: str = BIDDER_USCC) -> Draft:
    moment = instant_text(NOW)
    return Draft(
        format="bidclient/draft",
        version=1,
        tender_sha256="0" * 64,
        tender_version=1,
        lot="lot-1",
        bidder=Bidder(BIDDER, uscc),
        form={},
        prices=(),
        documents=(),
        clause_links=(),
        creation_code=code,
        salt=hashlib.sha256(b"salt").hexdigest(),
        created_at=moment,
        edited_at=moment,
    )


def seen(**changes: str) -> SeenCode:
    facts = {"code": "BC-0001", "uscc": BIDDER_USCC, "company": BIDDER, "lot": "lot-2", "name": "去年的标书"}
    return SeenCode(**(facts | changes))


def test_a_code_of_another_company_blocks() -> None:
    [finding] = check_creation_code(draft(), [seen(uscc=OTHER_USCC, company="另一家", lot="lot-1")])
    assert (finding.rule, finding.severity) == ("GUID-001", "blocking")
    assert "另一家" in finding.message_zh
    assert finding.evidence[0].fact == "BC-0001"


def test_a_code_of_our_own_other_lot_warns_once() -> None:
    [finding] = check_creation_code(draft(), [seen(), seen()])
    assert finding.severity == "warning"
    assert "去年的标书" in finding.message_en


def test_the_bid_itself_and_other_codes_are_in_order() -> None:
    assert check_creation_code(draft(), [seen(lot="lot-1")]) == []
    assert check_creation_code(draft(), [seen(lot="lot-1", uscc="")]) == []
    assert check_creation_code(draft(), [seen(code="BC-0002"), seen(code="")]) == []
    assert check_creation_code(draft(code=""), [seen(code="")]) == []
    assert check_creation_code(draft(), []) == []
