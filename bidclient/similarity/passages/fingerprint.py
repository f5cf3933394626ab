"""A text as few numbers, chosen so that two texts that share a passage share numbers: winnowing.

Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003. Any common run of at least window + gram - 1 normalised
characters gives a common fingerprint; 2 / (window + 1) of all grams are kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidclient.similarity.passages.normal import NORMAL_VERSION, Normal

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_STORED = "<u4"


@dataclass(frozen=True)
class Parameters:
    """Length of a gram in characters, length of a window in grams, and the spelling of the hash."""

    gram: int = 10
    window: int = 12
    revision: int = 1

    @property
    def version(self) -> str:
        """Names everything that fingerprints must have in common to be compared."""
        return f"{NORMAL_VERSION}.{self.revision}-k{self.gram}-w{self.window}"


PARAMETERS = Parameters()
SENSITIVE = Parameters(window=8)
"""Finds more of what was heavily rewritten, for an index that is 1.4 times as large."""


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of the chosen grams in the order of the text, and the offset into the text where each begins."""

    hashes: NDArray[np.uint32]
    positions: NDArray[np.uint32]

    def to_blobs(self) -> tuple[bytes, bytes]:
        """Hashes and positions, each as little-endian 32-bit numbers."""
        return self.hashes.astype(_STORED).tobytes(), self.positions.astype(_STORED).tobytes()

    @staticmethod
    def from_blobs(hashes: bytes, positions: bytes) -> "Fingerprint":
        """What to_blobs() gave. Raises ValueError for lengths that do not fit each other."""
        read = Fingerprint(np.frombuffer(hashes, _STORED), np.frombuffer(positions, _STORED))
        if len(read.hashes) != len(read.positions):
            raise ValueError("hashes and positions differ in number")
        return read


def grams(chars: NDArray[np.uint32], length: int) -> NDArray[np.uint32]:
    """The hash of each run of `length` characters, by the place where it begins; empty for a shorter text.

    Not collision-proof and not meant to be: what shares hashes is aligned character by character later.
    """
    if len(chars) < length:
        return np.empty(0, np.uint32)
    power, width, done = chars.astype(np.uint64), 1, np.zeros(len(chars) - length + 1, np.uint64)
    taken = 0
    factor = _MULTIPLIER
    with np.errstate(over="ignore"):
        while True:
            if length & width:
                done = done * factor + power[taken : taken + len(done)]
                taken += width
            if 2 * width > length:
                break
            power = power[:-width] * factor + power[width:]
            factor, width = factor * factor, 2 * width
        done ^= done >> np.uint64(32)
        done *= _MIX
    return (done >> np.uint64(32)).astype(np.uint32)


def fingerprint(normal: Normal, parameters: Parameters = PARAMETERS) -> Fingerprint:
    """The winnowed grams of a text: of each window the smallest hash, the last of equals."""
    hashes = grams(normal.chars, parameters.gram)
    if not len(hashes):
        return Fingerprint(hashes, hashes)
    places = np.arange(len(hashes), dtype=np.uint64)
    # The place counts backwards in the low half, so that the smallest number is the last of equal hashes.
    smallest = (hashes.astype(np.uint64) << np.uint64(32)) | (np.uint64(0xFFFFFFFF) - places)
    window, width = min(parameters.window, len(hashes)), 1
    while width < window:
        step = min(width, window - width)
        smallest = np.minimum(smallest[:-step], smallest[step:])
        width += step
    chosen = np.uint64(0xFFFFFFFF) - (smallest & np.uint64(0xFFFFFFFF))
    chosen = chosen[np.concatenate(([True], chosen[1:] != chosen[:-1]))].astype(np.int64)
    return Fingerprint(hashes[chosen], normal.index[chosen].astype(np.uint32))
