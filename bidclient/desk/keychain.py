"""Every key within reach: listed without a PIN, unlocked for the length of a block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

from bidclient.ask import Ask
from bidclient.crypto.private_key import PrivateKey
from bidclient.desk.purpose import Purpose, purpose
from bidclient.errors import NoToken, SettingProblem, WrongKey
from bidclient.keys.choice import find_key, partner
from bidclient.keys.info import KeyInfo, KeySource, Use
from bidclient.keys.mobile import MobileKey, MobileSource
from bidclient.keys.probe import Probe, probe
from bidclient.keys.token import ModuleState, TokenSource
from bidclient.keys.token_key import TokenKey


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

    def unpaired_phone(self) -> bool:
        """Whether a phone authority is set, and no certificate of a phone is known yet."""
        phones = [source for source in self._sources if isinstance(source, MobileSource)]
        return any(not phone.keys() for phone in phones)

    def pair(self, ask: Ask) -> list[KeyInfo]:
        """Get to know the certificates on the company's phone, which a person chooses and proves there.

        Raises SettingProblem when no phone authority is set, KeyProblem, NetworkProblem, Cancelled.
        """
        phone = next((source for source in self._sources if isinstance(source, MobileSource)), None)
        if phone is None:
            raise SettingProblem("mobile", "no phone authority is set")
        return phone.pair(ask)

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
    def unlocked(self, key: KeyInfo, ask: Ask, what_for: Purpose) -> Iterator[PrivateKey]:
        """The usable key. Whoever approves its use on a phone sees what for. Raises KeyProblem, Cancelled."""
        source, _ = find_key(self._sources, key.id, "sign" if key.can_sign else "decrypt")
        with source.unlock(key, ask) as private:
            yield told(private, what_for)

    def test(self, wanted: str, ask: Ask, ticks: Callable[[], float], anew: bool = False) -> Probe:
        """Sign, or wrap and unwrap, something and verify it; tell all that is known of its token.

        `anew` finds out again how the token uses SM2, though each try may cost a PIN. Raises NoSuchKey,
        KeyProblem, Cancelled.
        """
        key = next((one for one in self.listed() if one.id == wanted), None)
        if key is None:
            known = self.listed()
            use: Use = "sign" if any(one.can_sign for one in known) else "decrypt"
            key = self.find(wanted, use)
        with self.unlocked(key, ask, purpose("test")) as private:
            if not isinstance(private, TokenKey):
                return probe(private, ticks)
            if anew and key.certificate.key_algorithm == "sm2" and not private.learn().tried:
                private.learn(anew=True)
            return replace(probe(private, ticks), token=private.report())

    def close(self) -> None:
        """End what the sources hold open."""
        for source in self._sources:
            source.close()


def told(key: PrivateKey, what_for: Purpose) -> PrivateKey:
    """The same key for another purpose: a phone shows it, a token has no screen."""
    return key.about(what_for) if isinstance(key, MobileKey) else key
