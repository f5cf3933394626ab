"""kill -9 at bad moments: nothing that was acknowledged is lost, and what was not can be said again."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from bidclient.sandbox.world import World
from bidclient.stages.chain import Chain, Event
from tests.sandbox.conftest import Template
from tests.support.firms import TUS, Bid, Firm, make_bid, small_tender
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture
def prepared(template: Template, tmp_path: Path) -> tuple[Path, str, datetime]:
    """A data folder with one lot, its clock running: folder, lot, deadline."""
    data = template.copy(tmp_path / "data")
    world = World(data)
    now = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    world.clock.set(now, 1)
    deadline = now + timedelta(hours=2)
    lot = world.announce(small_tender(world, deadline), {}).tender.lot.id
    world.close()
    return data, lot, deadline


def firm_of(sandbox: Sandbox, template: Template, number: int, now: datetime) -> Firm:
    return Firm(sandbox.url, template.keys[number], now).log_in()


def tender_of(sandbox: Sandbox, lot: str) -> Any:
    world = World(sandbox.data)
    try:
        return world.tender(world.lot(lot)).parsed
    finally:
        world.close()


def test_an_upload_survives_kills(
    prepared: tuple[Path, str, datetime], template: Template, tmp_path: Path
) -> None:
    data, lot, deadline = prepared
    with running_sandbox(data) as sandbox:
        now = deadline - timedelta(hours=1)
        firm = firm_of(sandbox, template, 0, now)
        bid = make_bid(tmp_path / "bid", tender_of(sandbox, lot), firm.keys, now, size=300_000)
        firm.register(lot)
        view = firm.create(lot, bid.stub).json()
        content, offset = bid.sealed.path.read_bytes(), 0
        for kill in range(4):
            for _ in range(3):
                piece = content[offset : offset + 25_000]
                offset = int(firm.patch(view["upload_url"], offset, piece).headers["Upload-Offset"])
            sender = threading.Thread(target=_send, args=(firm, view, offset, content))
            sender.start()
            sandbox.restart()
            sender.join()
            firm.url = sandbox.url
            told = int(firm.call("HEAD", view["upload_url"], headers=TUS).headers["Upload-Offset"])
            assert told >= offset, f"kill {kill} lost acknowledged bytes"
            offset = told
        firm.upload({**view, "offset": offset}, bid.sealed.path)
        assert firm.finalize(view, bid.stub).status_code == 200


def _send(firm: Firm, view: dict[str, Any], offset: int, content: bytes) -> None:
    """One PATCH that may or may not get through."""
    try:
        firm.patch(view["upload_url"], offset, content[offset : offset + 25_000])
    except requests.exceptions.RequestException:
        return


def test_releases_survive_kills_and_the_chain_holds(
    prepared: tuple[Path, str, datetime], template: Template, tmp_path: Path
) -> None:
    data, lot, deadline = prepared
    with running_sandbox(data) as sandbox:
        now = deadline - timedelta(hours=1)
        tender = tender_of(sandbox, lot)
        made: list[tuple[Firm, Bid, dict[str, Any]]] = []
        for number in range(4):
            firm = firm_of(sandbox, template, number, now)
            bid = make_bid(tmp_path / f"bid-{number}", tender, firm.keys, now, 100 + number)
            made.append((firm, bid, firm.submit(lot, bid)))
        opening = made[0][0].call("GET", f"/v1/lots/{lot}").json()["opening"]
        sandbox.set_clock(deadline)
        acknowledged = []
        for firm, bid, receipt in made:
            statement = firm.signed(firm.release_statement(opening, receipt, bid))
            first = firm.said(opening, "releases", statement)
            sandbox.restart()
            for other, _, _ in made:
                other.url = sandbox.url
            assert firm.said(opening, "releases", statement) == first
            acknowledged.append(first)
        sandbox.jump(1)
        page = made[0][0].call("GET", f"/v1/openings/{opening}/log?after=0").json()
        chain = Chain(opening)
        for event in page["events"]:
            chain.append(msgspec.convert(event, Event))
        for acknowledgement in acknowledged:
            chain.check_head(acknowledgement["seq"], acknowledgement["head"])
        assert [event.type for event in chain.events].count("released") == 4
        assert made[0][0].room(opening)["state"] == "read-out"
        assert sandbox.stop() == 0
