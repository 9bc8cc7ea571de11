"""What the README and the operations page state, against the code."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import click
import pytest

from storyboard_worker.cli import COMMANDS, cli
from storyboard_worker.cli.exits import Exit
from storyboard_worker.errors import ErrorCode
from storyboard_worker.resources.descriptors import BESIDE_SLOTS, FOR_A_SLOT, FOR_HTTP
from storyboard_worker.settings.board_token import FEWEST_CHARACTERS, FEWEST_DIFFERENT
from storyboard_worker.settings.cloudinary import DEFAULT_UPLOAD_PREFIX
from storyboard_worker.settings.reading import Settings, read_settings
from storyboard_worker.worker.alarms import (
    CDN,
    EXPIRING,
    NO_WORKER,
    PRUNE,
    RESOURCES,
    STALLED,
    UPSTREAM,
)
from storyboard_worker.worker.cdn_check import (
    ALL_SECONDS,
    MOST_PICTURES,
    ONE_SECONDS,
    SEVERAL,
)
from tests.support.pages import PAGES, README, ROOT, coded, page, table

OPERATIONS = page("OPERATIONS")
VIEW = (ROOT / "alembic/versions/0001_storyboards.py").read_text("utf-8")

# The variables of Railway and libpq.
NOT_OURS = re.compile(r"RAILWAY_\w+|PG\w+")
DATABASE = {"DATABASE_URL": "postgresql://user@127.0.0.1/db"}
# Read only if the ones before are (not) there.
CLOUDINARY_FORMS: list[dict[str, str]] = [
    {},
    {"CLOUDINARY_URL": "cloudinary://key:secret@cloud"},
    {
        "CLOUDINARY_CLOUD_NAME": "cloud",
        "CLOUDINARY_API_KEY": "key",
        "CLOUDINARY_API_SECRET": "secret",
    },
]
# Settings whose default is told in words, and what they are when not set.
IN_WORDS = {"off": None, "any public host": (), "required": "", "required to upload": None}


class Recording(dict[str, str]):
    """Environment variables that note which of them are asked for."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def settings_read() -> set[str]:
    asked: set[str] = set()
    for form in CLOUDINARY_FORMS:
        variables = Recording({**DATABASE, **form})
        read_settings(variables)
        asked |= variables.asked
    return {name for name in asked if not NOT_OURS.fullmatch(name)}


def settings_told() -> dict[str, str]:
    """Name → default, as the settings table gives them."""
    told = {}
    for names, defaults, _ in table("name"):
        for number, name in enumerate(coded(names)):
            shared = len(coded(names)) == len(coded(defaults)) > 1
            told[name] = f"`{coded(defaults)[number]}`" if shared else defaults
    return {name: default for name, default in told.items() if not NOT_OURS.fullmatch(name)}


def test_the_settings_table_names_what_is_read_and_nothing_else() -> None:
    assert settings_told().keys() == settings_read()


def default_of(settings: Settings, name: str) -> Any:
    """The value that the code uses when ``name`` is not set."""
    for part in (settings, settings.sentry, settings.cloudinary):
        for field in (name.lower(), name.lower().partition("_")[2]):
            if hasattr(part, field):
                return getattr(part, field)
    raise AssertionError(f"no field for {name}")


@pytest.mark.parametrize("name", sorted(settings_told()))
def test_the_settings_table_tells_the_default(name: str) -> None:
    told = settings_told()[name]
    settings = read_settings({**DATABASE, **CLOUDINARY_FORMS[1]})
    if name in {"DATABASE_URL", *CLOUDINARY_FORMS[1], *CLOUDINARY_FORMS[2]}:
        assert told in {"required", "required to upload", ""}
    elif name.startswith("SENTRY_") and told == "Railway's":
        railway = {"RAILWAY_ENVIRONMENT_NAME": "live", "RAILWAY_GIT_COMMIT_SHA": "abc"}
        assert default_of(read_settings({**DATABASE, **railway}), name) in railway.values()
    elif told in IN_WORDS:
        assert default_of(settings, name) == IN_WORDS[told]
    elif name == "LOG_FORMAT":
        assert default_of(settings, name) is None, "by whether the output is a terminal"
        assert coded(told) == ["console", "json"]
    else:
        assert as_text(default_of(settings, name)) == coded(told)[-1]


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}".removesuffix(".0")


def test_the_grace_comes_from_railway_as_the_table_says() -> None:
    assert coded(settings_told()["SHUTDOWN_GRACE_SECONDS"])[0] == (
        "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"
    )
    drained = read_settings({**DATABASE, "RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "30"})
    assert drained.shutdown_grace_seconds == 30
    assert settings_told()["CLOUDINARY_UPLOAD_PREFIX"] == f"`{DEFAULT_UPLOAD_PREFIX}`"


def test_every_command_has_a_line() -> None:
    told = [
        shlex.split(code)[1] for cell, _ in table("command", OPERATIONS) for code in coded(cell)
    ]
    assert sorted(told) == sorted(COMMANDS)


def test_every_exit_code_has_a_line() -> None:
    assert [int(code) for code, _, _ in table("code", OPERATIONS)] == list(Exit)


def test_every_error_code_stands_in_the_table_of_codes_once() -> None:
    told = [code for cell, _, _ in table("error codes") for code in coded(cell)]
    assert sorted(told) == sorted(ErrorCode)


def test_what_descriptors_are_for_is_told_in_figures() -> None:
    assert f"({BESIDE_SLOTS} and {FOR_A_SLOT} a\nslot, with `PORT` {FOR_HTTP} more)" in OPERATIONS


def test_every_alarm_of_a_sweep_stands_in_its_table() -> None:
    rows = table("alarm", OPERATIONS)
    told = [name.removesuffix("…") for cell, _, _ in rows for name in coded(cell)]
    assert set(told) >= {NO_WORKER, STALLED, EXPIRING, UPSTREAM, CDN, PRUNE, RESOURCES}


def test_what_a_sweep_asks_of_the_cdn_is_told_in_figures() -> None:
    words = {1: "one", 2: "two", 5: "five", 6: "six"}
    told = " ".join(OPERATIONS.split())
    assert f"at most {words[MOST_PICTURES]} and at most a day old" in told
    assert f"takes {words[int(ALL_SECONDS)]} seconds at most" in told
    assert f"No answer in {words[int(ONE_SECONDS)]} seconds" in told
    assert f"when {words[SEVERAL]} pictures fare so" in told


def test_which_tokens_of_the_board_need_not_wait_is_told_in_figures() -> None:
    told = " ".join(OPERATIONS.split())
    assert f"has {FEWEST_CHARACTERS} characters or more, {FEWEST_DIFFERENT} different ones" in told


def commands_told() -> Iterator[str]:
    """Every ``storyboard-worker …`` in the pages, in code spans and in blocks."""
    text = "\n".join(PAGES.values())
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from re.findall(r"(?:^|&& )(?:\S*/)?storyboard-worker( [^\n&]*)", block)
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for span in re.findall(r"`([^`]*)`", outside):
        yield from re.findall(r"^(?:docker run .*)?storyboard-worker( \S.*)$", span)
    # The operations table leaves the program's name out.
    yield from (f" {span}" for span in coded(outside) if span.startswith(("retry -", "show ")))


def filled_in(line: str) -> list[str]:
    """The arguments, with real values in place of the text's placeholders."""
    real = {
        "ID": "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a",
        "URL…": "https://images.example/a.jpg",
        "…": "source_timeout",
    }
    return [real.get(word.strip("[]"), word.strip("[]")) for word in shlex.split(line)]


def test_the_text_shows_commands_to_parse() -> None:
    assert len(list(commands_told())) >= 15


@pytest.mark.parametrize("line", sorted(set(commands_told())))
def test_every_command_line_parses(line: str) -> None:
    name, *arguments = filled_in(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.make_context(name, arguments).params is not None


def test_the_messages_are_those_of_the_view() -> None:
    told = [(message, can_retry) for _, message, can_retry in table("`status`")]
    in_view = re.findall(r"(?:THEN|ELSE)\s+'([^']+)'", VIEW.partition("PROGRESS = ")[2])
    assert [message for message, _ in told] == in_view
    retried = [message for message, can_retry in told if can_retry == "true"]
    assert retried == ["Download failed, click to retry"]
    assert {can_retry for _, can_retry in told} == {"true", "false"}


def test_the_two_commands_to_begin_with_install_what_they_need_and_run_it() -> None:
    section = README.partition("## Two commands to begin with")[2].partition("\n## ")[0]
    demo, tests = re.findall(r"```sh\n(.*)\n```", section)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for line, extra, end in (
        (demo, "demo", ".venv/bin/storyboard-worker demo"),
        (tests, "dev", ".venv/bin/python -m pytest -n 4 --dist worksteal --reruns 1"),
    ):
        create, install, run = line.split(" && ")
        assert create == "python3 -m venv .venv"
        assert install == f".venv/bin/pip install -q -e '.[{extra}]'"
        assert extra in extras
        assert run == end
    script = (ROOT / ".ci" / "run").read_text().rstrip()
    assert script.endswith("\npython -m pytest -n 4 --dist worksteal --reruns 1"), (
        "CI runs the README's test command"
    )
