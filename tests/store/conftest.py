"""A bidder whose folders the store is tried on."""

from tests.support.desk_fixtures import bidder, company, shared_sandbox

__all__ = ["bidder", "company", "shared_sandbox"]
