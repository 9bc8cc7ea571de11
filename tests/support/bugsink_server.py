"""Bugsink, a real server of Sentry's protocol, on loopback and with its own database.

It is a Django program (https://www.bugsink.com/docs/). It is configured by a module, migrated,
given a project, and served by gunicorn. It keeps events in its SQLite database.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

START_SECONDS = 60.0
KEY = "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
from bugsink.settings.default import *

SECRET_KEY = "for-this-test-alone-" + "x" * 40
DATABASES["default"]["NAME"] = {folder!r} + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/snappea.sqlite3"
ALLOWED_HOSTS = ["127.0.0.1"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}
BUGSINK = {{
    "BASE_URL": "http://127.0.0.1:{port}",
    "INGEST_STORE_BASE_DIR": {folder!r} + "/ingestion",
    "PHONEHOME": False,
}}
"""
NEW_PROJECT = """
from projects.models import Project
print("project", Project.objects.create(name="storyboards", sentry_key={key!r}).id)
"""


@dataclass(frozen=True)
class Event:
    """``rows``: how many failures the event stands for."""

    id: str
    title: str
    level: str
    rows: int
    tags: dict[str, str]


@dataclass(frozen=True)
class Bugsink:
    dsn: str
    database: Path

    def issues(self) -> list[list[Event]]:
        """The events of each issue, as Bugsink groups them."""
        with closing(sqlite3.connect(self.database)) as connection:
            found = connection.execute("SELECT id FROM issues_issue ORDER BY digest_order")
            return [_events(connection, id_) for (id_,) in found.fetchall()]


def _events(connection: sqlite3.Connection, issue_id: str) -> list[Event]:
    found = connection.execute(
        "SELECT id, data FROM events_event WHERE issue_id = ? ORDER BY digest_order", [issue_id]
    )
    return [_event(json.loads(data), _tags(connection, id_)) for id_, data in found.fetchall()]


def _event(data: dict[str, Any], tags: dict[str, str]) -> Event:
    rows = data["contexts"]["storyboard"].get("count", 1)
    return Event(data["event_id"], data["message"], data["level"], rows, tags)


def _tags(connection: sqlite3.Connection, event_id: str) -> dict[str, str]:
    """The tags in Bugsink's index for searching."""
    found = connection.execute(
        "SELECT k.key, v.value FROM tags_eventtag AS e JOIN tags_tagvalue AS v "
        "ON v.id = e.value_id JOIN tags_tagkey AS k ON k.id = v.key_id WHERE e.event_id = ?",
        [event_id],
    )
    return dict(found.fetchall())


@contextmanager
def bugsink(folder: Path) -> Iterator[Bugsink]:
    """Served until the end of the block."""
    port = free_port()
    (folder / "bugsink_conf.py").write_text(CONFIGURATION.format(folder=str(folder), port=port))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "DJANGO_SETTINGS_MODULE": "bugsink_conf",
        "HOME": str(folder),
    }
    _manage(environment, "migrate", "--verbosity", "0")
    _manage(environment, "migrate", "--verbosity", "0", "--database", "snappea", "snappea")
    made = _manage(environment, "shell", "-c", NEW_PROJECT.format(key=KEY))
    project = next(line for line in made.splitlines() if line.startswith("project "))
    log = folder / "log"
    with log.open("wb") as output:
        command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        process = subprocess.Popen(
            [sys.executable, *command, "bugsink.wsgi"],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_it_serves(port, process, log)
        number = project.removeprefix("project ")
        yield Bugsink(f"http://{KEY}@127.0.0.1:{port}/{number}", folder / "db.sqlite3")
    finally:
        process.terminate()
        process.wait()


def _manage(environment: dict[str, str], *arguments: str) -> str:
    program = "from bugsink.scripts.manage import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _wait_until_it_serves(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
