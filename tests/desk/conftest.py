"""A running sandbox for the desk, and a bidder who sits at it."""

from tests.support.desk_fixtures import bidder, company, lone_bidder, own_sandbox, shared_sandbox

__all__ = ["bidder", "company", "lone_bidder", "own_sandbox", "shared_sandbox"]
