"""What every command shares: its options, the desk it drives, how its result or failure is printed."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from bidclient import log
from bidclient.ask import Progress
from bidclient.cli.options import Common, common_options, merged
from bidclient.cli.person import Person, pin_source, progress_on_stderr
from bidclient.cli.say import Say, lines_of
from bidclient.cli.screen import echo, echo_json
from bidclient.crypto.certificate import Certificate
from bidclient.desk import Desk, build
from bidclient.desk.workplace import WorkplaceFiles
from bidclient.errors import BidError
from bidclient.errors.sentence import Sentence
from bidclient.explain import LANGUAGES, Language, explain
from bidclient.stages.evidence import Verdict
from bidclient.store.paths import HOME_VARIABLE, Paths, paths
from bidclient.store.settings import Settings, read_settings

LANGUAGE_VARIABLE = "BIDCLIENT_LANGUAGE"
FOLDER = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Terminal:
    """One run of the program: what the common options say."""

    as_json: bool
    say: Say
    ask: Person
    progress: Progress
    settings: Settings
    paths: Paths

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The desk, closed at the end of the block."""
        with build(
            self.settings,
            token_models=self.paths.token_models,
            revocation_answers=self.paths.revocation_answers,
            phone_certificates=self.paths.phone_certificates,
            archive=self.paths.archive,
            check_cache=self.paths.check_cache,
            workplace=WorkplaceFiles(
                self.paths.data, self.paths.device_ledger, self.paths.device_ledger_ends
            ),
        ) as desk:
            yield desk


@dataclass(frozen=True)
class Refusal:
    """A result that is an answer and, with exit code 1 or 5, a refusal at once: printed like any other."""

    result: object
    exit_code: int


def judged(result: object, verdicts: Iterable[Verdict], untold: int = 1) -> Refusal:
    """A result with exit code 5 when a verdict is "invalid", else `untold` when one is "cannot-tell"."""
    found = {one.verdict for one in verdicts}
    return Refusal(result, 5 if "invalid" in found else untold if "cannot-tell" in found else 0)


def command(function: _Command) -> click.Command:
    """A click command that takes the common options and is handed a Terminal as its first argument."""

    @functools.wraps(function)
    def run(
        *,
        as_json: bool,
        language: Language | None,
        pin_stdin: bool,
        home: Path | None,
        log_traffic: bool,
        **arguments: object,
    ) -> Outcome:
        own = Common(
            as_json=as_json, language=language, pin_stdin=pin_stdin, home=home, log_traffic=log_traffic
        )
        terminal = _open(merged(own, click.get_current_context()))
        return Outcome(function(terminal, **arguments), terminal)

    made = click.command()(run)
    made.params += common_options()
    return made


@dataclass(frozen=True)
class Outcome:
    """What a command returned, with how it is to be printed."""

    value: object
    terminal: Terminal


def _open(given: Common) -> Terminal:
    places = _places(given["home"])
    settings = read_settings(places.settings_file)
    say = Say(_known_language(given["language"]) or _language(settings))
    if given["log_traffic"]:
        for line in log.TRAFFIC_WARNING.splitlines():
            echo(line, err=True)
    _start_log(places.logs, given["log_traffic"])
    ask = Person(say, pin_source(given["pin_stdin"], os.environ))
    return Terminal(given["as_json"], say, ask, progress_on_stderr(say), settings, places)


def _places(home: Path | str | None) -> Paths:
    return paths(os.environ if home is None else {**os.environ, HOME_VARIABLE: str(home)})


def _start_log(folder: Path, traffic: bool) -> None:
    """A log that cannot be written is a pity, not a reason to miss a deadline."""
    try:
        log.start(folder, traffic=traffic)
    except OSError as error:
        echo(f"log: {error}", err=True)


def _language(settings: Settings | None) -> Language:
    told = os.environ.get(LANGUAGE_VARIABLE)
    fallback: Language = settings.language if settings else "zh"
    return _known_language(told) or fallback


def print_result(outcome: object) -> int:
    """Print what a command returned, text or one JSON document; the exit code."""
    if not isinstance(outcome, Outcome):
        return 0
    refusal = outcome.value if isinstance(outcome.value, Refusal) else Refusal(outcome.value, 0)
    value = refusal.result
    if outcome.terminal.as_json:
        echo_json(to_json(value))
    elif value is not None:
        for line in lines_of(value, outcome.terminal.say):
            echo(line)
    return refusal.exit_code


def print_error(error: BidError, arguments: list[str]) -> int:
    """Print title, cause, next step and code of an error, as JSON if that was asked for; the exit code."""
    language = _language_of(arguments)
    said = explain(error, language)
    if "--json" in arguments:
        document = {
            "error": {
                "code": said.code,
                "title": said.title,
                "cause": said.cause,
                "next_step": said.next_step,
                "facts": {name: _fact(value) for name, value in error.facts.items()},
                "retryable": error.retryable,
            }
        }
        echo_json(to_json(document))
    else:
        say = Say(language)
        sys.stdout.flush()
        echo(f"{say('错误', 'Error')} {said.code}: {said.title}", err=True)
        echo(f"  {say('原因', 'Cause')}: {say.in_china(said.cause)}", err=True)
        echo(f"  {say('下一步', 'Next')}: {said.next_step}", err=True)
    return error.exit_code


def _language_of(arguments: list[str]) -> Language:
    """The language asked for on a command line that may not even parse, else that of readable settings."""
    settings = None
    with suppress(BidError):
        settings = read_settings(_places(_said(arguments, "--home")).settings_file)
    return _known_language(_said(arguments, "--language")) or _language(settings)


def _said(arguments: list[str], option: str) -> str | None:
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if before == option:
            return argument
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
    return None


def _known_language(text: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == text), None)


def to_json(value: object) -> str:
    """One JSON document, readable; certificates by their PEM, paths as text."""
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)
    return json.dumps(plain, ensure_ascii=False, indent=2)


def _fact(value: object) -> object:
    if isinstance(value, tuple):
        return [_fact(one) for one in value]
    return str(value) if isinstance(value, BidError | Sentence) else value


def _plain(value: object) -> object:
    if isinstance(value, Certificate):
        return {
            "subject": value.subject,
            "uscc": value.uscc,
            "sha256": value.sha256,
            "not_after": value.not_after.isoformat(),
        }
    return str(value)
