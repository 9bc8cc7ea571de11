"""Foreign text that would steer the operator's terminal is harmless in every command's output."""

import json
import os
import pty
import subprocess
from contextlib import suppress
from datetime import timedelta

import psycopg

from tests.support.forked_command import shared_fork_server
from tests.support.process_environment import environment
from tests.support.producing import FAILED, enqueue
from tests.support.running_command import COMMAND, PATIENCE_SECONDS
from tests.support.tallies import Register

# A terminal code, the same code as one character of C1, DEL, and marks of text direction.
IN_HOST = "\x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz"
ANYWHERE = f"{IN_HOST}\x1b]0;title\x07\u2028\u2029\r\n[red]x[/red]"
URL = f"https://{IN_HOST}.invalid/panel.jpg"
SHOWN = {
    "list": r"\u2028\u2029\r\n[red]x[/red]",
    "show {failed}": r"\x1b]0;title\x07",
    "status": r"\x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz",
    "failures": r"\x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz.invalid",
    "retry --all-failed --dry-run": r"at \x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz.invalid",
    "process {pending}": r"asking \x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz.invalid",
    "list --json": r"\u001b]0;title\u0007\u2028\u2029\r\n[red]x[/red]",
    "show {failed} --json": r"\u001b\u009b2j\u007f\u202e\u2066\u200f\u061cz",
    "status --json": r"\u001b\u009b2j\u007f\u202e\u2066\u200f\u061cz",
    "failures --json": r"\u001b\u009b2j\u007f\u202e\u2066\u200f\u061cz",
    "process {other} --json": r'"\u001b\u009b2j\u007f\u202e\u2066\u200f\u061cz.invalid',
    "doctor": "failures",
}


def test_no_command_lets_it_through(
    settings: dict[str, str], producer: psycopg.Connection, register: Register
) -> None:
    register(ANYWHERE, timedelta(0))
    paused = json.dumps({IN_HOST: "2026-01-02T03:04:05+00:00"})
    producer.execute("UPDATE storyboard_workers SET paused = %s", [paused])
    failed = {**FAILED, "error_message": ANYWHERE}
    ids = {
        "failed": enqueue(producer, URL, project_id=ANYWHERE, **failed),
        "pending": enqueue(producer, URL, project_id=ANYWHERE, max_attempts=1),
        "other": enqueue(producer, URL, project_id=ANYWHERE, max_attempts=1),
    }
    # One log is for people, and one is JSON.
    changes = {"process {pending}": "import os; os.environ['LOG_FORMAT'] = 'console'"}
    # So long that the worker counts as alive to the end.
    settings = {**settings, "LEASE_SECONDS": "60"}
    for line, shown in SHOWN.items():
        command = shared_fork_server().start(
            line.format(**ids).split(), settings, changes.get(line, "")
        )
        result = command.wait(PATIENCE_SECONDS)
        assert result is not None, line
        told = result.out + result.err
        assert not [c for c in told if not c.isprintable() and c != "\n"], (line, told)
        assert shown in told, (line, told)


def test_a_terminal_obeys_none_of_it(
    settings: dict[str, str], producer: psycopg.Connection
) -> None:
    """While a line is animated, other output goes through the library that animates it."""
    id_ = enqueue(producer, URL, max_attempts=1)
    ours, its = pty.openpty()
    wide = environment({**settings, "TERM": "xterm", "COLUMNS": "300"})
    command = [*COMMAND, "process", str(id_)]
    subprocess.run(command, env=wide, stdout=its, stderr=its, check=False)
    os.close(its)
    shown = b""
    # On Linux an error says that the other end is closed.
    with suppress(OSError):
        while chunk := os.read(ours, 65_536):
            shown += chunk
    os.close(ours)
    assert r"asking \x1b\x9b2j\x7f\u202e\u2066\u200f\u061cz.invalid" in shown.decode()
    assert not [mark for mark in IN_HOST[1:-1] if not mark.isprintable() and mark in shown.decode()]
