"""No return code but one may be called a wrong PIN."""

import pytest

from bidclient.errors import BadEnvelope, DriverFailed, KeyProblem, KeyRefused, PinWrong, TokenRemoved
from bidclient.keys.ckr import TokenFacts, named

TOKEN = TokenFacts("企业锁", last_try=True, shortest=6, longest=16)
CODES = [*range(1, 0x210), 0x80000001, 0xFFFFFFFF]


@pytest.mark.parametrize("operation", ["C_Login", "C_Sign", "C_Decrypt", "C_OpenSession"])
def test_only_pin_incorrect_is_a_wrong_pin(operation: str) -> None:
    named_wrong = [code for code in CODES if isinstance(named(code, "CKR", operation, TOKEN), PinWrong)]
    assert named_wrong == [0xA0]


def test_what_is_not_known_keeps_its_text() -> None:
    error = named(0x80000001, "Vendor error (0x00000001)", "C_Sign", TOKEN)
    assert isinstance(error, DriverFailed)
    assert (error.operation, error.reason) == ("C_Sign", "Vendor error (0x00000001)")


@pytest.mark.parametrize(
    ("code", "operation", "kind"),
    [
        (0x30, "C_Sign", TokenRemoved),
        (0xB3, "C_Sign", TokenRemoved),
        (0x40, "C_Decrypt", BadEnvelope),
        (0x40, "C_Sign", DriverFailed),
        (0x68, "C_SignInit", KeyRefused),
        (0x101, "C_Sign", KeyRefused),
    ],
)
def test_codes_have_their_names(code: int, operation: str, kind: type[KeyProblem]) -> None:
    assert type(named(code, "CKR", operation, TOKEN)) is kind


def test_the_facts_of_the_token_come_along() -> None:
    assert named(0xA0, "", "C_Login", TOKEN).facts == {
        "token": "企业锁",
        "attempts_left": None,
        "last_try": True,
    }
    assert named(0xA2, "", "C_Login", TOKEN).facts == {"token": "企业锁", "shortest": 6, "longest": 16}
