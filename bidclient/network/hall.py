"""The hall: which lots there are, their tenders, and registering for them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from bidclient.errors import BadFormat
from bidclient.formats import atomic
from bidclient.network.transport import Transport, limited
from bidclient.network.wire import (
    TENDER_TYPE,
    LotPage,
    LotSummary,
    LotView,
    Registration,
    RegistrationRequest,
)

_PAGE = 100
_MOST_PAGES = 1000
_TENDER_LIMIT = 4 * 1024**3


class Hall:
    """What every bidder can see and do before a bid exists."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def lots(self, state: str = "") -> Iterator[LotSummary]:
        """All lots, page by page; only those in `state` if given.

        Raises NetworkProblem, BadFormat when the pages do not come to an end.
        """
        after: str | None = ""
        for _ in range(_MOST_PAGES):
            chosen = {name: value for name, value in (("state", state), ("after", after)) if value}
            page = self._transport.get("/v1/lots", LotPage, {**chosen, "limit": _PAGE})
            yield from page.lots
            if page.next is None:
                return
            if page.next == after:
                raise BadFormat("the list of lots", "a page names itself as the next")
            after = page.next
        raise BadFormat("the list of lots", f"more than {_MOST_PAGES} pages")

    def lot(self, lot: str) -> LotView:
        """One lot. Raises NetworkProblem, BadFormat."""
        return self._transport.get(lot_path(lot), LotView)

    def download_tender(self, lot: str, out: Path, version: int | None = None) -> str:
        """Write the lot's tender package to `out`; returns the digest of tender.json that the network names.

        Nothing is verified here but the media type: read_tender does that. Raises NetworkProblem, BadFormat,
        DiskProblem.
        """
        path = f"{lot_path(lot)}/tender"
        asked = {} if version is None else {"version": version}
        with self._transport.stream("GET", path, parameters=asked) as reply:
            media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip()
            if media_type != TENDER_TYPE:
                raise BadFormat("tender", f"media type {media_type!r}")
            with atomic.replacing(out) as file:
                for block in limited(reply, _TENDER_LIMIT, "tender"):
                    file.write(block)
            return reply.headers.get("ETag", "").removeprefix("W/").strip('"')

    def register(self, lot: str, contact: str, phone: str, idempotency_key: str) -> Registration:
        """Register for a lot (报名). Raises NetworkProblem, BadFormat."""
        body = RegistrationRequest(contact, phone)
        return self._transport.post(f"{lot_path(lot)}/registrations", body, Registration, idempotency_key)

    def registration(self, lot: str) -> Registration:
        """Our registration for a lot. Raises NetworkProblem: NotRegistered or Rejected when there is none."""
        return self._transport.get(f"{lot_path(lot)}/registrations/mine", Registration)


def lot_path(lot: str) -> str:
    """The path of a lot; an identifier is opaque and never trusted to be one path step."""
    return f"/v1/lots/{quote(lot, safe='')}"
