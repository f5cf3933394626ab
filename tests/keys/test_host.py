"""The key host as a process: its frames are its own, and it ends when nobody asks any more."""

import os
import subprocess
import sys
from io import FileIO
from pathlib import Path
from typing import cast

from bidclient.keys.frames import Failed, ListTokens, Shutdown, child_command, read_answer, write_frame
from bidclient.sandbox.token import softhsm_module
from tests.support.pki import Authority
from tests.support.softhsm import company_token

CHATTER = """
import os, sys
from bidclient.keys.host import private_pipes
requests, answers = private_pipes()
print("a library prints", flush=True)
os.write(1, b"and prints again")
assert sys.stdin.read() == ""
answers.write(requests.read(5))
"""

OPEN_ISSUER = """
import sys
from pathlib import Path
from PyKCS11 import PyKCS11Error
from bidclient.crypto.certificate import Certificate
from bidclient.errors import KeyRefused
from bidclient.keys import pkcs11
from bidclient.keys.hosted_key import HostedKey
from bidclient.keys.memory import Memory
opened = []
class Remembering(pkcs11.Library):
    def session(self, token):
        opened.append(super().session(token))
        return opened[-1]
library = Remembering(Path(sys.argv[1]))
(token,) = library.tokens()
look = library.session(token)
(issuer,) = [stored for stored in look.certificates() if Certificate.from_der(stored.der).is_ca]
try:
    HostedKey(library, token, issuer, Memory(None))
except KeyRefused:
    print(len(opened) - 1)
try:
    opened[-1]._session.getSessionInfo()
except PyKCS11Error as error:
    print(error)
"""


def test_what_others_print_meets_no_frame_and_what_they_read_is_empty() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHATTER], input=b"frame", capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b"frame"
    assert done.stderr == b"a library prints\nand prints again"


def test_a_missing_library_is_an_answer_and_a_shutdown_the_end(tmp_path: Path) -> None:
    command = child_command("host", str(tmp_path / "libgone.so"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        requests, answers = cast(FileIO, process.stdin), cast(FileIO, process.stdout)
        write_frame(requests, ListTokens(number=7))
        answer = read_answer(answers)
        assert isinstance(answer, Failed)
        assert (answer.number, answer.error) == (7, "DriverMissing")
        write_frame(requests, Shutdown(number=8))
        assert getattr(read_answer(answers), "number", None) == 8
        assert process.wait(30) == 0


def test_a_host_ends_with_its_parent(tmp_path: Path) -> None:
    command = child_command("host", str(tmp_path / "libgone.so"))
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_key_that_cannot_be_opened_leaves_no_session_open(tmp_path: Path) -> None:
    root = Authority.root()
    token = company_token(tmp_path, "企业锁", [root.issue("signing")], root)
    command = [sys.executable, "-c", OPEN_ISSUER, str(softhsm_module())]
    done = subprocess.run(
        command, env={**os.environ, **token}, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["1", "CKR_SESSION_HANDLE_INVALID", "(0x000000B3)"]
