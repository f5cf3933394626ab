"""A PIV card (NIST SP 800-73-4) without plastic: what a real driver sees through a virtual reader.

Run as a process of its own, `python piv_card.py PORT FOLDER`: plugged into the vpcd reader at PORT of this
network when it starts, pulled out when it is killed. FOLDER is its chip: `pin`, `serial`, the `tries` left,
`NN.key` (PKCS #8) and `NN.der` of slot NN, and `verified`, a line for every PIN that came in. A file
`leaves-at` names the instruction in the middle of which somebody pulls the card out.
"""

import socket
import sys
from collections.abc import Iterator
from enum import IntEnum
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

TRIES = 3
_ATR = bytes.fromhex("3B800181")  # no more than: T=1
_APPLICATION = bytes.fromhex("A000000308")
_PROPERTIES = bytes.fromhex("61114F06000010000100" + "79074F05A000000308")
_DISCOVERY = bytes.fromhex("7E124F0BA000000308000010000100" + "5F2F024000")
_SLOT_OF_OBJECT = {"5FC105": "9a", "5FC10A": "9c", "5FC10B": "9d", "5FC101": "9e"}
_CHUID, _DISCOVERY_OBJECT = "5FC102", "7E"
_SIGNS = "9c"
"""The slot whose key wants a PIN right before each use (SP 800-73-4 part 1, table 4b)."""

_OK, _WRONG_PIN, _LOCKED, _NO_PIN = 0x9000, 0x63C0, 0x6983, 0x6982
_WRONG_DATA, _NOT_FOUND, _WRONG_PARAMETER, _UNKNOWN = 0x6A80, 0x6A82, 0x6A86, 0x6D00
_READER_ANSWERS = 4
_CHAINED = 0x10


class Instruction(IntEnum):
    """The INS byte of a command."""

    VERIFY = 0x20
    AUTHENTICATE = 0x87
    SELECT = 0xA4
    GET_RESPONSE = 0xC0
    GET_DATA = 0xCB


class Card:
    """The chip, from command to response (ISO 7816-4)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reset()

    def reset(self) -> None:
        """Power comes back: nobody is logged in."""
        self._logged_in = False
        self._pin_just_given = False
        self._collected = b""
        self._waiting = b""

    def answer(self, command: bytes) -> bytes:
        """The response to one APDU of the short form: as many bytes as wanted, and the status word."""
        kind, instruction, _, second = command[:4]
        end = 5 + command[4] if len(command) > 5 else 4
        wanted = (command[end] or 256) if len(command) > end else 0
        if instruction == Instruction.GET_RESPONSE:
            return self._part(_OK, wanted)
        self._collected += command[5:end]
        if kind & _CHAINED:
            return self._part(_OK, 0)
        data, self._collected = self._collected, b""
        if data and self._leaves_at == instruction:
            sys.exit()
        self._waiting, status = self._carried_out(instruction, second, data)
        self._pin_just_given = instruction == Instruction.VERIFY and status == _OK and bool(data)
        return self._part(status, wanted)

    def _part(self, status: int, wanted: int) -> bytes:
        part, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
        if self._waiting:
            status = 0x6100 | min(len(self._waiting), 255)
        return part + status.to_bytes(2, "big")

    def _carried_out(self, instruction: int, second: int, data: bytes) -> tuple[bytes, int]:
        match instruction:
            case Instruction.SELECT if data.startswith(_APPLICATION):
                return _PROPERTIES, _OK
            case Instruction.SELECT:
                return b"", _NOT_FOUND
            case Instruction.GET_DATA:
                return self._object(data[2:].hex().upper())
            case Instruction.VERIFY if second == 0x80:
                return b"", self._verify(data)
            case Instruction.AUTHENTICATE:
                return self._authenticate(f"{second:02x}", dict(_fields(next(_fields(data))[1])))
            case _:
                return b"", _UNKNOWN

    def _object(self, name: str) -> tuple[bytes, int]:
        if name == _DISCOVERY_OBJECT:
            return _DISCOVERY, _OK
        if name == _CHUID:
            # A FASC-N that says "no agency" (9999): drivers then take the serial from the GUID.
            agency = bytes.fromhex("D4E739DA") + bytes(21)
            guid = (self._folder / "serial").read_bytes()
            content = _field(0x30, agency) + _field(0x34, guid) + _field(0x35, b"20450101")
            return _field(0x53, content + _field(0x3E, b"") + _field(0xFE, b"")), _OK
        certificate = self._folder / f"{_SLOT_OF_OBJECT.get(name, 'none')}.der"
        if not certificate.is_file():
            return b"", _NOT_FOUND
        content = _field(0x70, certificate.read_bytes()) + _field(0x71, b"\0") + _field(0xFE, b"")
        return _field(0x53, content), _OK

    def _verify(self, padded: bytes) -> int:
        if not padded:  # a question, not a try
            return _OK if self._logged_in else self._refusal
        with (self._folder / "verified").open("a") as log:
            log.write("PIN\n")
        self._logged_in = False
        if not self._tries:
            return _LOCKED
        if padded.rstrip(b"\xff") != (self._folder / "pin").read_bytes():
            self._tries -= 1
            return self._refusal
        self._tries = TRIES
        self._logged_in = True
        return _OK

    @property
    def _leaves_at(self) -> int:
        note = self._folder / "leaves-at"
        return int(note.read_text("ascii")) if note.exists() else -1

    @property
    def _tries(self) -> int:
        return int((self._folder / "tries").read_text("ascii"))

    @_tries.setter
    def _tries(self, left: int) -> None:
        (self._folder / "tries").write_text(str(left), "ascii")

    @property
    def _refusal(self) -> int:
        return _WRONG_PIN | self._tries if self._tries else _LOCKED

    def _authenticate(self, slot: str, asked: dict[int, bytes]) -> tuple[bytes, int]:
        """GENERAL AUTHENTICATE: 81 is a block to sign or to open, 85 the other side's point."""
        if slot not in self._keys:
            return b"", _WRONG_PARAMETER
        if not (self._pin_just_given if slot == _SIGNS else self._logged_in):
            return b"", _NO_PIN
        key = self._keys[slot]
        if isinstance(key, rsa.RSAPrivateKey):
            numbers = key.private_numbers()
            modulus = numbers.public_numbers.n
            block = pow(int.from_bytes(asked[0x81], "big"), numbers.d, modulus)
            result = block.to_bytes(key.key_size // 8, "big")
        elif 0x85 in asked:
            point = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, asked[0x85])
            result = key.exchange(ec.ECDH(), point)
        else:
            result = key.sign(asked[0x81], ec.ECDSA(Prehashed(SHA256())))
        return _field(0x7C, _field(0x82, result)), _OK

    @cached_property
    def _keys(self) -> dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
        keys = {}
        for file in self._folder.glob("*.key"):
            key = load_der_private_key(file.read_bytes(), None)
            assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
            keys[file.stem] = key
        return keys


def _field(tag: int, value: bytes) -> bytes:
    """BER-TLV with a tag of one byte."""
    size = len(value)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + value


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The TLVs of `data`, which a driver has made and so is in order."""
    while data:
        tag, size, start = data[0], data[1], 2
        if size > 128:
            start += size - 128
            size = int.from_bytes(data[2:start], "big")
        yield tag, data[start : start + size]
        data = data[start + size :]


def _received(reader: socket.socket, size: int) -> bytes:
    # The reader sends length and message by themselves and waits in between for our acknowledgement, which
    # Linux likes to hold back for 40 ms.
    reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    return reader.recv(size, socket.MSG_WAITALL)


def plugged_in(port: int, card: Card) -> None:
    """Serve the reader until it hangs up. Each message is two bytes of length and then so many bytes."""
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while size := int.from_bytes(_received(reader, 2), "big"):
            message = _received(reader, size)
            if size > 1:
                answer = card.answer(message)
            elif message[0] == _READER_ANSWERS:
                answer = _ATR
            else:  # power off, power on, reset
                card.reset()
                continue
            reader.sendall(len(answer).to_bytes(2, "big") + answer)


if __name__ == "__main__":
    plugged_in(int(sys.argv[1]), Card(Path(sys.argv[2])))
