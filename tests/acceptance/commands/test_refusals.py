"""Wrong settings, a database that is away, and rows that do not exist."""

import subprocess
import sys
import time

import pytest

from tests.support.result import Result
from tests.support.running_command import FreshStoryboardWorker, StoryboardWorker, finish
from tests.support.sentry_server import SentryServer

GOOD = {
    "DATABASE_URL": "postgresql://user:hunter22@127.0.0.1:1/db",
    "CLOUDINARY_URL": "cloudinary://key:secret@cloud",
}
SOME_ID = "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a"
LOOKING = [["status"], ["list"], ["show", SOME_ID], ["failures"]]
CHANGING = [
    ["migrate"],
    ["sweep", "--no-process"],
    ["sweep"],
    ["enqueue", "https://images.example/a.jpg"],
    ["process", SOME_ID],
    ["retry", "--all-failed"],
]
SWEEPS = 2


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (["status"], {"DATABASE_URL": ""}),
        (["status"], {"DATABASE_URL": "mysql://127.0.0.1/db"}),
        (["status"], {"DATABASE_URL": "postgresql://user:hunter22@127.0.0.1:port/db"}),
        (["status"], {"SENTRY_DSN": "yes"}),
        (["list"], {"LOG_FORMAT": "xml"}),
        (["list"], {"LEASE_SECONDS": "-1"}),
        (["enqueue", "https://images.example/a.jpg"], {"MAX_ATTEMPTS": "0"}),
        (["retry", "--all-failed"], {"SOURCE_ALLOW_PRIVATE": "perhaps"}),
        (["migrate"], {"HEALTH_MAX_WAIT_SECONDS": "soon"}),
        (["run"], {"WORKER_CONCURRENCY": "1.5"}),
        (["run"], {"PROCESSES": "5"}),
        (["run"], {"CLOUDINARY_URL": ""}),
        (["sweep"], {"CLOUDINARY_URL": ""}),
        (["process", SOME_ID], {"CLOUDINARY_URL": ""}),
    ],
)
def test_a_wrong_setting_ends_the_command_with_one_line_that_names_it(
    without_settings: StoryboardWorker, arguments: list[str], changed: dict[str, str]
) -> None:
    (name,) = changed
    assert_refused_for(name, without_settings(*arguments, **{**GOOD, **changed}))


def test_an_address_that_cloudinarys_sdk_refuses_to_be_imported_with(
    fresh_without_settings: FreshStoryboardWorker,
) -> None:
    wrong = {**GOOD, "CLOUDINARY_URL": "https://cloudinary.com"}
    assert_refused_for("CLOUDINARY_URL", fresh_without_settings("sweep", **wrong))


def assert_refused_for(name: str, refused: Result) -> None:
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.count("\n") == 1
    assert refused.err.startswith(f"Error: {name}")
    assert "hunter22" not in refused.err


def test_a_database_out_of_reach_is_exit_69(
    without_settings: StoryboardWorker, refusing_port: int, sentry: SentryServer
) -> None:
    """Commands that change something try for 30 s, those that look for 5 s.

    A sweep tells Sentry, because the output of cron has no reader.
    """
    address = f"postgresql://user:hunter22@127.0.0.1:{refusing_port}/db"
    began_at = time.monotonic()
    started = [
        without_settings.start(
            *arguments, **{**GOOD, "DATABASE_URL": address, "SENTRY_DSN": sentry.dsn}
        )
        for arguments in [*LOOKING, *CHANGING]
    ]
    for number, process in enumerate(started):
        ended = finish(process)
        seconds = time.monotonic() - began_at
        least, most = (4, 20) if number < len(LOOKING) else (29, 45)
        assert least < seconds < most, ended.shown()
        assert ended.code == 69
        assert ended.out == ""
        assert ended.err.count("\n") == 1
        assert ended.err.startswith("Error: the database is unreachable")
        assert "DATABASE_URL" in ended.err
        assert "hunter22" not in ended.err
    assert len(sentry.events) == SWEEPS
    for event in sentry.events:
        assert event["fingerprint"] == ["storyboard-worker", "alarm", "database"]
        assert event["level"] == "fatal"


def test_an_error_before_logs_are_set_up_has_no_secret_in_its_stack() -> None:
    broken = "cli.cli.main = lambda **_: int('https://images.example/p?sig=hunter22')"
    program = f"from storyboard_worker import cli\n{broken}\ncli.main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)  # noqa: PLW1510
    assert ended.returncode == 1
    assert "https://images.example/p" in ended.stderr
    assert "hunter22" not in ended.stderr


def test_a_wrong_setting_is_not_repeated(without_settings: StoryboardWorker) -> None:
    """Neither the commands nor the checks of the settings repeat it."""
    names = ["PORT", "SOURCE_HOSTS", "CLOUDINARY_UPLOAD_PREFIX", "CLOUDINARY_FOLDER", "PGSSLMODE"]
    wrong = dict.fromkeys(names, "hunter22?")
    started = [
        without_settings.start("status", **{**GOOD, "PORT": "hunter22?"}),
        without_settings.start("doctor", **{**GOOD, **wrong}),
    ]
    for refused in map(finish, started):
        assert refused.code == 2
        assert "hunter22" not in refused.out + refused.err


@pytest.mark.parametrize("command", ["show", "process", "retry"])
def test_an_unknown_id_is_exit_1(storyboard_worker: StoryboardWorker, command: str) -> None:
    refused = storyboard_worker(command, SOME_ID)

    assert refused.code == 1
    assert refused.out == ""
    assert f"Error: there is no storyboard {SOME_ID}" in refused.error_lines


@pytest.mark.parametrize("command", ["show", "process", "retry"])
def test_text_that_is_no_id_is_exit_2(without_settings: StoryboardWorker, command: str) -> None:
    refused = without_settings(command, "panel-7")

    assert refused.code == 2
    assert refused.out == ""
    assert "'panel-7' is not a valid UUID" in refused.err
