"""The command line: every capability has a verb; this file finds the verb and turns failures into exit codes.

Exit codes: 0 done, 1 refused by a check, 2 usage, 3 key or PIN, 4 network, 5 integrity.
"""

import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from bidclient import __version__
from bidclient.cli.options import common_options
from bidclient.errors import BadCommandLine, BidError, Cancelled, DiskProblem

_log = logging.getLogger(__name__)

_VERBS = {
    "demo": "demo",
    "sandbox": "sandbox",
    "tender": "hall",
    "new": "drafting",
    "import": "drafting",
    "add": "drafting",
    "remove": "drafting",
    "set": "drafting",
    "prices": "drafting",
    "link": "drafting",
    "status": "drafting",
    "check": "drafting",
    "stamp": "stamping",
    "seal-image": "stamping",
    "keys": "keys",
    "certificates": "certificates",
    "pack": "sealing",
    "sign": "sealing",
    "seal": "sealing",
    "rehearse": "sealing",
    "verify": "sealing",
    "unseal": "sealing",
    "login": "hall",
    "lots": "hall",
    "register": "hall",
    "submit": "submitting",
    "withdraw": "submitting",
    "receipt": "submitting",
    "opening": "opening",
    "evidence": "evidence",
    "diag": "diag",
}
"""Verb → the file of its family. Files are imported when their verb is used: the program starts faster."""


class Verbs(click.Group):
    """Finds verbs by name in the files of their families."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """All verbs in the order of the work."""
        return list(_VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The verb, imported now; None when there is none."""
        if name not in _VERBS:
            return None
        family = importlib.import_module(f"{__name__}.{_VERBS[name]}")
        found: click.Command = family.VERBS[name]
        found.name = name
        return found


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bidclient")
def program(**_common: object) -> None:
    """投标客户端：编制、固化、签章、加密、递交、开标 / prepare, seal, submit and open bids."""


program.params += common_options()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Prints the result to stdout, everything else to stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = program.main(args=given, prog_name="bidclient", standalone_mode=False)
        return outcome if isinstance(outcome, int) else _printed(outcome)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _misused(error, given)
    except (click.Abort, KeyboardInterrupt):
        return _failed(Cancelled(), given)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BidError as error:
        _log.warning("%s", error, exc_info=True)
        return _failed(error, given)
    except OSError as error:
        # A full disk, a folder that cannot be read: what no code of ours has named.
        _log.critical("unexpected", exc_info=True)
        return _failed(DiskProblem(str(error.filename or ""), error.strerror or str(error)), given)
    except Exception:  # noqa: BLE001 - the outermost edge
        # Whatever went wrong ends in a visible state and in the log.
        _log.critical("unexpected", exc_info=True)
        return _failed(BidError(), given)


def _printed(outcome: object) -> int:
    # Imported late, as the verbs are: --help and --version need none of it.
    from bidclient.cli.terminal import print_result

    return print_result(outcome)


def _misused(error: click.ClickException, arguments: list[str]) -> int:
    """A command line that does not parse; the exit code is 2."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    return _failed(BadCommandLine(error.format_message()), arguments)


def _failed(error: BidError, arguments: list[str]) -> int:
    from bidclient.cli.terminal import print_error

    return print_error(error, arguments)
