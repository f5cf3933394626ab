"""Trouble on request, by name: what real networks do to their users, at the press of a button."""

from dataclasses import dataclass

from bidclient.sandbox.database import Database

CERT_REVOKED = "cert-revoked"
KNOWN: dict[str, str] = {
    "slow": "every answer but those of the levers waits this many seconds",
    "drop-after-commit": "this many answers to create, finalize, release, confirm are lost after the commit",
    "reset-every-n": "an upload's connection is reset after this many bytes",
    "clock-skew": "the network's clock is this many seconds away from its clock",
    "late-by-1-ms": "this many finalize requests count as having arrived 1 ms after the deadline",
    CERT_REVOKED: "1: every bidder's certificate counts as revoked by its issuer",
    "platform-fault": "1: all but the clock answers 503, and failures at the opening are the platform's",
    "qr-expired": "this many links to the phone are refused as too old",
    "phone-slow": "what was approved on the phone takes this many seconds",
    "phone-wrong-signature": "this many approvals on the phone give wrong signatures",
}


@dataclass(frozen=True)
class Fault:
    """An active fault and its number: seconds, bytes or times."""

    name: str
    value: float


class Faults:
    """The active faults, kept with the other data so that a restart goes on with them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values = {fault.name: fault.value for fault in database.rows(Fault, "SELECT * FROM faults")}

    def active(self) -> dict[str, float]:
        """Every active fault with its number."""
        return dict(self._values)

    def value(self, name: str) -> float:
        """The number of a fault; 0 when it is not active."""
        return self._values.get(name, 0.0)

    def set(self, name: str, value: float) -> None:
        """Switch a fault on, or off with 0."""
        with self._database.writing():
            self._database.run("DELETE FROM faults WHERE name = ?", name)
            if value:
                self._database.run("INSERT INTO faults VALUES (?, ?)", name, value)
        if value:
            self._values[name] = value
        else:
            self._values.pop(name, None)

    def strike(self, name: str) -> bool:
        """Whether a fault that counts times hits now; it is used up by one."""
        with self._database.writing():
            left = self._values.get(name, 0.0)
            if left <= 0:
                return False
            self.set(name, left - 1)
        return True
