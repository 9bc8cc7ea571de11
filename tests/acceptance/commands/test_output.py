"""Results and logs go to the right streams, and arrive whole."""

import contextlib
import json
import os
import pty
import shlex
import subprocess

import psycopg
import pytest

from storyboard_worker.cli.output import duration, table_lines
from tests.support.process_environment import environment
from tests.support.producing import enqueue
from tests.support.running_command import COMMAND, FreshStoryboardWorker, StoryboardWorker

ADDRESS = "https://cdn.example/" + "a" * 90


@pytest.fixture
def many_rows(producer: psycopg.Connection) -> None:
    """More output than a pipe holds."""
    producer.execute(
        "INSERT INTO storyboards (source_url) "
        "SELECT 'https://images.example/' || n FROM generate_series(1, 2000) n"
    )


@pytest.mark.parametrize("arguments", ["list --limit 2000", "list --limit 2000 --json"])
@pytest.mark.parametrize("reader", ["head -c 9", "true"])
def test_a_reader_that_goes_away_causes_no_traceback(
    settings: dict[str, str], many_rows: None, arguments: str, reader: str
) -> None:
    line = f"{shlex.join(COMMAND)} {arguments} | {reader}"
    piped = subprocess.run(
        ["sh", "-c", line], env=environment(settings), capture_output=True, text=True, check=True
    )

    assert piped.stderr == ""


def test_logs_go_to_stderr_as_json_unless_told_otherwise(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    enqueue(producer, "https://images.invalid/a.jpg", max_attempts=1)
    swept = storyboard_worker("sweep", "--json")
    assert swept.json["failed"] == 1
    logged = [json.loads(line) for line in swept.err.splitlines()]
    assert [line["message"] for line in logged] == ["storyboard failed"]

    enqueue(producer, "https://images.invalid/b.jpg", max_attempts=1)
    swept = storyboard_worker("sweep", "--json", LOG_FORMAT="console")
    assert swept.json["failed"] == 1
    assert "ERROR storyboard failed  storyboard_id=" in swept.err


def test_characters_that_the_encoding_lacks_do_not_cost_the_result(
    settings: dict[str, str], producer: psycopg.Connection
) -> None:
    enqueue(producer, project_id="絵コンテ")
    command = FreshStoryboardWorker({**settings, "PYTHONIOENCODING": "latin-1"})

    as_json = command("list", "--json")
    assert as_json.code == 0, as_json.shown()
    assert as_json.json[0]["project_id"] == "絵コンテ"

    as_table = command("list")
    assert as_table.code == 0, as_table.shown()
    assert r"\u7d75" in as_table.out


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_a_row_folds_between_its_cells(
    settings: dict[str, str], producer: psycopg.Connection, columns: int
) -> None:
    id_ = enqueue(producer, "https://images.example/" + "a" * 60, project_id="pilot")

    lines = on_a_terminal("list", {**settings, "COLUMNS": str(columns)})

    row = next(number for number, line in enumerate(lines) if line.startswith(str(id_)))
    assert lines[row].split()[1] == "pending"
    assert lines[row + 1].endswith("https://images.example/" + "a" * 60)
    assert lines[row + 1].startswith("  ")
    assert max(map(len, lines)) <= columns + len("\x1b[1m\x1b[0m")


def on_a_terminal(command: str, settings: dict[str, str]) -> list[str]:
    """The lines that a command shows when stdout is a terminal."""
    ours, its = pty.openpty()
    subprocess.run([*COMMAND, command], env=environment(settings), stdout=its, check=True)
    os.close(its)
    shown = b""
    # On Linux an error says that no process writes to the terminal any more.
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 65_536):
            shown += chunk
    os.close(ours)
    return shown.decode().splitlines()


def test_a_table_that_fits_is_set_in_columns() -> None:
    rows: list[list[object]] = [["id", "state", "image"], ["1", None, ADDRESS], ["22", "✓ 絵", "-"]]

    assert table_lines(rows, None) == [
        "id  state  image",
        f"1          {ADDRESS}",
        "22  ✓ 絵   -",
    ]


def test_cells_that_do_not_fit_are_listed_unbroken() -> None:
    rows = [["id", "error", "image"], ["1", "x" * 30, ADDRESS], ["2", "", "short"]]

    assert table_lines(rows, 40) == [
        "id  error                           image".replace(" " * 27 + "image", "\n  image"),
        f"1   {'x' * 30}\n  {ADDRESS}",
        "2\n  short",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (12.4, "12 s"), (119, "119 s"), (180, "3 min"), (7300, "2 h"), (2e5, "2 d")],
)
def test_durations_are_shown_in_one_unit(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
