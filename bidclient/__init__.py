"""bidclient prepares, signs, checks, seals, submits and opens bids for public contracts."""

__version__ = "0.1.0"
