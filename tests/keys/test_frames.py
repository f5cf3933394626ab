"""The pipe between the program and a key host: what goes in comes out, and rubbish is named."""

import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.errors import (
    BadEnvelope,
    BadFormat,
    Cancelled,
    DialectUnknown,
    DriverFailed,
    DriverMissing,
    KeyRefused,
    NoToken,
    PinInvalid,
    PinLocked,
    PinWrong,
    ProbeCostsPin,
    Sm2Missing,
    TokenRemoved,
    TokenSwapped,
)
from bidclient.keys.frames import (
    AnyAnswer,
    AnyRequest,
    Decrypt,
    Failed,
    Learn,
    Learned,
    ListTokens,
    OpenContent,
    OpenKey,
    Result,
    SignMessage,
    TryRow,
    WayRow,
    child_command,
    failed,
    numbered,
    raise_failed,
    read_answer,
    read_request,
    write_frame,
)

NUMBERS = st.integers(0, 2**31)
BYTES = st.binary(max_size=300)
REQUESTS = st.one_of(
    st.builds(ListTokens, number=NUMBERS),
    st.builds(OpenKey, number=NUMBERS, serial=st.text(), fingerprint=st.text(), pin=BYTES.map(bytearray)),
    st.builds(
        SignMessage, number=NUMBERS, handle=NUMBERS, message=BYTES, scheme=st.sampled_from(SignatureScheme)
    ),
    st.builds(
        OpenContent, number=NUMBERS, handle=NUMBERS, encrypted_key=BYTES, vector=BYTES, ciphertext=BYTES
    ),
    st.builds(
        Learn, number=NUMBERS, handle=NUMBERS, anew=st.booleans(), pin=st.none() | BYTES.map(bytearray)
    ),
    st.builds(
        Decrypt,
        number=NUMBERS,
        handle=NUMBERS,
        ciphertext=BYTES,
        scheme=st.sampled_from(WrapScheme),
        pin=st.none() | BYTES.map(bytearray),
    ),
)


class Pipe(io.RawIOBase):
    """A pipe that hands over at most three bytes at a time, as pipes may."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self.content += data[:3]
        return min(3, len(data))

    def readinto(self, room: memoryview) -> int:  # type: ignore[override]
        part = bytes(self.content[: min(3, len(room))])
        room[: len(part)] = part
        del self.content[: len(part)]
        return len(part)


@settings(max_examples=100, deadline=None)
@given(messages=st.lists(REQUESTS, max_size=3))
def test_requests_come_out_as_they_went_in(messages: list[AnyRequest]) -> None:
    pipe = Pipe()
    for message in messages:
        write_frame(pipe, message)
    assert [read_request(pipe) for _ in messages] == messages
    assert read_request(pipe) is None


@settings(max_examples=50, deadline=None)
@given(data=BYTES, number=NUMBERS)
def test_answers_come_out_with_the_number_of_the_request(data: bytes, number: int) -> None:
    pipe = Pipe()
    answer: AnyAnswer = Result(data=data)
    write_frame(pipe, numbered(answer, number))
    assert read_answer(pipe) == Result(number=number, data=data)


def test_what_was_tried_comes_out_as_it_went_in() -> None:
    pipe = Pipe()
    tried = TryRow(use="sign", mechanism=0x80008104, form="e", seconds=0.25, reason="CKR_MECHANISM_INVALID")
    way = WayRow(use="decrypt", mechanism=0x80008200, form="04-C1C3C2", remembered=True)
    answer = Learned(number=3, tried=(tried,), ways=(way,), left=2)
    write_frame(pipe, answer)
    assert read_answer(pipe) == answer


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60))
def test_rubbish_is_named(body: bytes) -> None:
    with pytest.raises(BadFormat):
        read_request(Pipe(len(body).to_bytes(4, "big") + body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"op":"list","number":1,"more":2}',
        b'{"op":"unknown"}',
        b'{"op":"sign","handle":1,"message":"AA==","scheme":"md5"}',
        b'{"op":"open","serial":"1","fingerprint":"2","pin":"not base64"}',
        b'{"op":"open","serial":"\xff","fingerprint":"2","pin":"AA=="}',
    ],
)
def test_a_request_that_nobody_makes_is_refused(body: bytes) -> None:
    with pytest.raises(BadFormat):
        read_request(Pipe(len(body).to_bytes(4, "big") + body))


def test_a_frame_that_breaks_off_is_the_end() -> None:
    pipe = Pipe()
    write_frame(pipe, ListTokens())
    for size in range(len(pipe.content)):
        assert read_request(Pipe(bytes(pipe.content[:size]))) is None


def test_a_frame_that_claims_to_be_huge_is_not_waited_for() -> None:
    with pytest.raises(BadFormat):
        read_answer(Pipe(b"\xff\xff\xff\xff"))


@pytest.mark.parametrize(
    "error",
    [
        BadEnvelope("r"),
        Cancelled(),
        DialectUnknown("锁", "sign", "0x80000001"),
        DriverFailed("C_Sign", "CKR_GENERAL_ERROR"),
        DriverMissing("lib.so"),
        KeyRefused("sign", "no"),
        NoToken("A100"),
        PinInvalid("锁", 6, 8),
        PinLocked("锁"),
        PinWrong("锁", None, True),
        ProbeCostsPin("锁", "decrypt", 7),
        Sm2Missing("libcrypto"),
        TokenRemoved("锁"),
        TokenSwapped("a", "b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_out_as_it_went_in(error: DriverFailed) -> None:
    pipe = Pipe()
    write_frame(pipe, failed(error))
    answer = read_answer(pipe)
    assert isinstance(answer, Failed)
    with pytest.raises(type(error)) as caught:
        raise_failed(answer)
    assert caught.value.facts == error.facts


@pytest.mark.parametrize(
    "answer",
    [
        Failed(error="SystemExit", facts={}),
        Failed(error="PinWrong", facts={}),
        Failed(error="", facts={"a": 1}),
    ],
)
def test_a_failure_that_makes_no_sense_is_the_drivers(answer: Failed) -> None:
    with pytest.raises(DriverFailed):
        raise_failed(answer)


def test_a_child_imports_nothing_from_the_current_folder() -> None:
    command = child_command("host", "lib.so")
    assert command == [sys.executable, "-P", "-m", "bidclient.keys.host", "lib.so"]
