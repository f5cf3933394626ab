"""A bid travels from tender to opened with a PIV card in a reader: slot 9C signs, slot 9D opens."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.sandbox.pki import BidderKeys
from bidclient.sandbox.samples import sample_bid
from bidclient.sandbox.token import TokenEntry
from tests.support.card_reader import CardReader, card_reader, make_card, opensc, seen
from tests.support.journey import attend, hall, token_bidder
from tests.support.sandbox import Sandbox

PIN = b"48217359"


@pytest.fixture
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardReader]:
    opensc()
    with card_reader(tmp_path_factory.mktemp("reader")) as plugged:
        yield plugged


def test_a_bid_travels_from_tender_to_opened_with_a_card(
    sandbox: Sandbox, tmp_path: Path, reader: CardReader
) -> None:
    def plug(folder: Path, keys: BidderKeys) -> dict[str, str]:
        slots = {
            "9c": TokenEntry(keys.signing_key, keys.signing_cert),
            "9d": TokenEntry(keys.encryption_key, keys.encryption_cert),
        }
        reader.insert(make_card(folder, PIN, slots))
        return reader.environment

    bidder, _ = token_bidder(tmp_path, sandbox, "construction", "p-256", "rsa-2048", plug)
    bidder = replace(bidder, ask=Nobody(PIN))
    with bidder.desk as desk:
        seen(desk.keychain.listed, 2)
        lot = bidder.lot()
        bidder.signed(lot)
        sealed = desk.sealing.seal(bidder.bid, bidder.signing, bidder.ask)
        assert sealed.rehearsal is not None
        assert sealed.rehearsal.complete
        with hall(sandbox, lot, bidder.bid / "tender.tender") as room:
            desk.submitting.submit(bidder.bid, bidder.signing, bidder.ask)
            confirmed = attend(
                bidder, room, lambda: desk.opening.release(bidder.bid, bidder.signing, bidder.ask)
            )
        assert confirmed.own_row.state == "opened"
        assert confirmed.own_row.price_fen == sample_bid("construction").total_fen
        assert desk.verifying.verify(bidder.bid).holds
