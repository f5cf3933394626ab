"""Every key within reach: listed without a PIN, unlocked for the length of a block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from bidclient.ask import Ask
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import NoToken, WrongKey
from bidclient.keys import KeyInfo, KeySource, Use, find_key, partner
from bidclient.keys.probe import Probe, probe
from bidclient.keys.token import ModuleState, TokenSource


class Keychain:
    """The keys of all sources."""

    def __init__(self, sources: Sequence[KeySource]) -> None:
        self._sources = tuple(sources)

    def listed(self) -> list[KeyInfo]:
        """Every key to be seen now; no PIN, no dialog."""
        return list(chain.from_iterable(source.keys() for source in self._sources))

    def modules(self) -> list[ModuleState]:
        """Every vendor library that is looked for, with what became of it."""
        tokens = [source for source in self._sources if isinstance(source, TokenSource)]
        return [module for source in tokens for module in source.survey()]

    def find(self, wanted: str | None, use: Use) -> KeyInfo:
        """The one key that is meant. Raises NoSuchKey."""
        return find_key(self._sources, wanted, use)[1]

    def encryption_key(self, signing: KeyInfo, besides: KeyInfo | None = None) -> KeyInfo:
        """The encryption key that goes with a signing key (双证书), not `besides`. Raises NoSuchKey."""
        taken = None if besides is None else besides.certificate.sha256
        return partner([key for key in self.listed() if key.certificate.sha256 != taken], signing)

    def opener(self, fingerprints: Sequence[str], wanted: str | None = None) -> KeyInfo:
        """The key to open something that was made for one of these certificates (hex SHA-256).

        With `wanted` that key, whatever it fits; else the first that is here. Raises NoSuchKey for `wanted`,
        WrongKey when only other keys are here, NoToken when there is none at all.
        """
        if wanted is not None:
            return self.find(wanted, "decrypt")
        here = {key.certificate.sha256: key for key in self.listed() if key.can_decrypt}
        for fingerprint in fingerprints:
            if fingerprint in here:
                return here[fingerprint]
        needed = " / ".join(fingerprint[:16] for fingerprint in fingerprints)
        if not here:
            raise NoToken(needed)
        raise WrongKey(needed, ", ".join(key.id for key in here.values()))

    @contextmanager
    def unlocked(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        """The usable key. Raises KeyProblem, Cancelled."""
        source, _ = find_key(self._sources, key.id, "sign" if key.can_sign else "decrypt")
        with source.unlock(key, ask) as private:
            yield private

    def test(self, wanted: str, ask: Ask, ticks: Callable[[], float]) -> Probe:
        """Sign, or wrap and unwrap, something and verify it. Raises NoSuchKey, KeyProblem, Cancelled."""
        key = next((one for one in self.listed() if one.id == wanted), None)
        if key is None:
            known = self.listed()
            use: Use = "sign" if any(one.can_sign for one in known) else "decrypt"
            key = self.find(wanted, use)
        with self.unlocked(key, ask) as private:
            return probe(private, ticks)

    def close(self) -> None:
        """End what the sources hold open."""
        for source in self._sources:
            source.close()
