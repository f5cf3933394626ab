"""A running sandbox for the desk, and a bidder who sits at it; drafts to be checked need neither."""

from tests.support.checked_bids import bid, clean, desk, known, tender
from tests.support.desk_fixtures import bidder, company, lone_bidder, own_sandbox, shared_sandbox

__all__ = [
    "bid",
    "bidder",
    "clean",
    "company",
    "desk",
    "known",
    "lone_bidder",
    "own_sandbox",
    "shared_sandbox",
    "tender",
]
