"""The four layouts of SKF structures are told apart by what they hold; blobs hold what they were made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidclient.crypto import sm
from bidclient.keys.frames import Hint
from bidclient.keys.skf_key import cipher_blob, signature_of
from bidclient.keys.skf_layout import DEVICE_ROOM, Layout, Width, layout_of, width_of

LAYOUTS = (Layout(4, 1), Layout(4, 0), Layout(8, 1), Layout(8, 0))
KEY = sm.Sm2PrivateKey.generate()
DER = sm.encrypt(KEY.point, bytes(range(16)))


def device_information(layout: Layout, numbers: tuple[int, ...]) -> bytes:
    """A DEVINFO as a library of this layout writes it."""
    texts = bytes(198) + (b"" if layout.pack else bytes(2))
    told = b"".join(number.to_bytes(layout.ulong, "little") for number in numbers)
    return (texts + told).ljust(DEVICE_ROOM, b"\0")


SPACE = st.integers(0, 2**31)


@given(
    layout=st.sampled_from(LAYOUTS),
    symmetric=st.integers(1, 0xFFFF),
    asymmetric=st.sampled_from((0x10000, 0x20000, 0x20100, 0x30700, 0x20F00)),
    digest=st.integers(1, 0xFF),
    spaces=st.tuples(SPACE, SPACE).map(sorted),
    sizes=st.tuples(SPACE, SPACE),
)
def test_the_layout_is_seen_or_honestly_assumed(
    layout: Layout,
    symmetric: int,
    asymmetric: int,
    digest: int,
    spaces: list[int],
    sizes: tuple[int, int],
) -> None:
    free, total = spaces
    numbers = (symmetric, asymmetric, digest, 0, total, free, *sizes)
    found = layout_of(device_information(layout, numbers))
    assert found == Layout(layout.ulong, layout.pack, seen=True)
    assert found.capabilities(device_information(layout, numbers)).asymmetric == asymmetric


@given(st.binary(min_size=DEVICE_ROOM, max_size=DEVICE_ROOM))
def test_noise_is_no_layout_unless_it_makes_sense(noise: bytes) -> None:
    found = layout_of(noise)
    assert found.seen == (sum(one.capabilities(noise).are_plausible for one in LAYOUTS) == 1)


def test_a_hint_leaves_no_choice() -> None:
    nothing = bytes(DEVICE_ROOM)
    assert layout_of(nothing, Hint(ulong=8, pack=0)) == Layout(8, 0, seen=True)
    assert layout_of(nothing, Hint(ulong=8)).text == "ULONG 8, pack 1 (assumed)"
    assert layout_of(nothing).text == "ULONG 4, pack 1 (assumed)"


@pytest.mark.parametrize("width", [4, 8])
def test_a_public_key_shows_the_width(width: Width) -> None:
    x, y = KEY.point[1:33], KEY.point[33:]
    blob = (256).to_bytes(width, "little") + bytes(32) + x + bytes(32) + y
    assert width_of(blob, KEY.point) == width
    assert width_of(blob, sm.Sm2PrivateKey.generate().point) is None
    assert width_of(blob + b"\0", KEY.point) is None


@given(st.sampled_from((4, 8)), st.binary(min_size=1, max_size=64))
def test_a_cipher_blob_holds_every_part(width: Width, secret: bytes) -> None:
    der = sm.encrypt(KEY.point, secret)
    blob = cipher_blob(der, width)
    assert len(blob) == 160 + width + len(secret)
    assert int.from_bytes(blob[160 : 160 + width], "little") == len(secret)
    assert not any(blob[:32] + blob[64:96])
    raw = blob[32:64] + blob[96:128] + blob[128:160] + blob[160 + width :]
    assert sm.cipher_from_raw(raw, "C1C3C2") == der
    assert KEY.decrypt(der) == secret


@given(st.binary(max_size=200))
def test_what_is_no_ciphertext_is_refused(noise: bytes) -> None:
    with pytest.raises(ValueError, match="SM2 ciphertext"):
        cipher_blob(noise, 4)


def test_a_signature_is_read_right_aligned_and_nothing_else() -> None:
    r, s = (sm.signature_to_raw(KEY.sign(b"m"))[place : place + 32] for place in (0, 32))
    blob = bytes(32) + r + bytes(32) + s
    assert sm.signature_to_raw(signature_of(blob)) == r + s
    for bad in (blob[:-1], r + bytes(32) + s + bytes(32), bytes(128), b"\1" + blob[1:]):
        with pytest.raises(ValueError, match=r"bits|range"):
            signature_of(bad)
