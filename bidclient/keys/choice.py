"""Which key is meant, by id, fingerprint, token serial or name; and which two are one double certificate."""

from collections.abc import Callable, Iterable, Sequence

from bidclient.errors import NoSuchKey
from bidclient.keys.info import KeyInfo, KeySource, Use

_SHORTEST_FINGERPRINT = 6


def find_key(sources: Iterable[KeySource], wanted: str | None, use: Use) -> tuple[KeySource, KeyInfo]:
    """The one key for `use` that `wanted` names, with the source that can unlock it.

    `wanted` is an id, a certificate fingerprint (SHA-256, at least six hex digits of its beginning), a token
    serial or the common name of the holder; None means "the only one". The first of these readings that fits
    anything decides. Raises NoSuchKey, listing the keys for this use, when none or several fit.
    """
    offers = [(source, source.keys()) for source in sources]
    places = [(source, key) for source, keys in offers for key in keys if key.can(use)]
    for fits in _readings(wanted):
        found = [place for place in places if fits(place[1])]
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise NoSuchKey("any key" if wanted is None else wanted, ", ".join(_named(key) for _, key in places))


def partner(keys: Sequence[KeyInfo], key: KeyInfo) -> KeyInfo:
    """The encryption key that belongs to a signing key (双证书): same token, else the same company.

    A key that does both is its own partner. Among several the one whose certificate ends last is taken.
    Raises NoSuchKey when there is no encryption certificate.
    """
    if key.can_decrypt:
        return key
    candidates = [other for other in keys if other.can_decrypt and _same_holder(key, other)]
    nearest = [other for other in candidates if _same_place(key, other)] or candidates
    if not nearest:
        raise NoSuchKey(key.id, ", ".join(_named(other) for other in keys if other.can_decrypt))
    return max(nearest, key=lambda other: other.certificate.not_after)


def _readings(wanted: str | None) -> tuple[Callable[[KeyInfo], bool], ...]:
    if wanted is None:
        return (lambda key: True,)
    lower = wanted.lower()
    return (
        lambda key: key.id == wanted,
        lambda key: len(lower) >= _SHORTEST_FINGERPRINT and key.certificate.sha256.startswith(lower),
        lambda key: bool(wanted) and key.token_serial == wanted,
        lambda key: key.certificate.common_name == wanted,
    )


def _same_place(one: KeyInfo, other: KeyInfo) -> bool:
    return one.source == other.source and bool(one.token_serial) and one.token_serial == other.token_serial


def _same_holder(one: KeyInfo, other: KeyInfo) -> bool:
    ours, theirs = one.certificate, other.certificate
    if ours.uscc or theirs.uscc:
        return ours.uscc == theirs.uscc
    return (ours.organization or ours.common_name) == (theirs.organization or theirs.common_name)


def _named(key: KeyInfo) -> str:
    return f"{key.id} {key.certificate.common_name}"
