"""The seal keeper: electronic seals (电子签章) on a draft's documents, where the tender wants them."""

from itertools import count
from pathlib import Path

from bidclient.ask import Ask, Progress, silent
from bidclient.checks.finding import Finding
from bidclient.desk.checking import require_fit
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.keychain import Keychain
from bidclient.desk.preparing import check_editable
from bidclient.desk.purpose import purpose
from bidclient.desk.seal_order import SealOrder, Stamped, StampPlan
from bidclient.desk.signing import require_current, warned
from bidclient.desk.trust import Trust
from bidclient.errors import Cancelled
from bidclient.stages.tender import read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.state import draft_of


class Stamping:
    """The seal keeper's room."""

    def __init__(self, keychain: Keychain, connections: Connections, trust: Trust, now: Clock) -> None:
        self._keychain = keychain
        self._connections = connections
        self._trust = trust
        self._now = now

    def plan(self, path: Path, key_id: str | None, order: SealOrder) -> StampPlan:
        """How many documents and signatures a batch has, and whether each costs a PIN. Asks for nothing.

        Documents that cannot be sealed do not count. Raises NoSuchKey, UnknownDocument, NotSealable for blind
        parts that were named, NotABidFolder.
        """
        # Slow to import, for the PDF libraries, and most verbs never come here.
        from bidclient.desk.pdf_verdicts import seal_judge
        from bidclient.desk.stamp_batch import jobs_of, signatures_of

        folder = BidFolder.open(path)
        key = self._keychain.find(key_id, "sign")
        draft = draft_of(folder)
        jobs = jobs_of(read_tender(folder.tender).tender, draft.documents, order)
        judge = seal_judge(draft.bidder.uscc, self._connections.known_profile, self._now())
        counts = signatures_of(folder, jobs, judge)
        # A phone wants its approval each time, but one approval covers a batch.
        each_time = key.always_authenticate and key.source != "phone"
        return StampPlan(key.id, len(counts), sum(counts), each_time)

    def stamp(
        self,
        path: Path,
        key_id: str | None,
        order: SealOrder,
        ask: Ask,
        progress: Progress = silent,
        *,
        timestamp: bool = True,
    ) -> Stamped:
        """Seal what is not sealed yet, by one use of the key; a killed batch goes on where it stopped.

        Each file is replaced only by one whose signatures hold and cover it wholly; what it was stays in
        superseded/. A file that cannot be sealed is told in the result and the others go on; trouble with key
        or network ends the batch, and what is sealed stays sealed. Raises NoSuchKey, CertificateUnfit,
        CertificateRevoked, UnknownDocument, NotSealable for blind parts that were named, StaleTender,
        ArtefactLocked, KeyProblem, NetworkProblem, BadTimestamp, Cancelled.
        """
        # As in `plan`.
        from bidclient.checks.seals import COMPANY_KINDS
        from bidclient.desk.pdf_seals import Sealer
        from bidclient.desk.pdf_verdicts import seal_judge
        from bidclient.desk.stamp_batch import Batch, jobs_of

        folder = BidFolder.open(path)
        key = self._keychain.find(key_id, "sign")
        with folder.locked():
            check_editable(folder)
            require_current(folder)
            draft = draft_of(folder)
            judge = seal_judge(draft.bidder.uscc, self._connections.known_profile, self._now())
            batch = Batch(folder, self._now, judge)
            jobs = jobs_of(batch.tender, draft.documents, order)
            company = any(COMPANY_KINDS.intersection(job.kinds) for job in jobs)
            require_fit(key.certificate, batch.tender, self._now, draft.bidder.uscc if company else "")
            stamp = self._connections.stamp() if timestamp else None
            left = [job for job in jobs if not batch.is_done(job)]
            warnings: tuple[Finding, ...] = ()
            if left:
                warnings = self._trust.require(key.certificate, key.chain)
                proof = None if warnings else self._trust.proof(key.certificate, key.chain)
                counted = count()
                what_for = purpose("stamp", batch.tender, len(left))

                def step() -> None:
                    if ask.cancelled():
                        raise Cancelled
                    progress("stamp", next(counted), len(left))

                with self._keychain.unlocked(key, ask, what_for) as private:
                    sealer = Sealer(private, stamp, order, self._now, proof)
                    batch.seal(left, sealer, step, warned(warnings))
                progress("stamp", len(left), len(left))
        return batch.result(key.certificate.common_name, warnings)
