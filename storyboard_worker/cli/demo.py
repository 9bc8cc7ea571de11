"""``demo``: the whole job on this machine, with nothing set up."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from storyboard_worker import schema
from storyboard_worker.cli.demo_panels import TROUBLES, Panel, plant
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import console
from storyboard_worker.database import Database
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from storyboard_worker.embedded import private_postgres
from storyboard_worker.models import Status
from storyboard_worker.queries.rows import StoryboardRows

LOOK_SECONDS = 0.2
GIVE_UP_SECONDS = 60.0
STOP_SECONDS = 15.0
# What the worker inherits; every other variable could be a setting of a real installation.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
MARKS = {"pending": "·", "processing": "▸", "ready": "✓", "failed": "✗"}


@click.command("demo")
@click.option(
    "--panels",
    type=click.IntRange(min=len(TROUBLES) + 1, max=500),
    default=24,
    show_default=True,
    help="How many panels; six of them make trouble.",
)
@click.option("--keep-running", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
def demo_command(*, panels: int, keep_running: bool) -> None:
    """Show the whole job on this machine; nothing needs to be set up.

    Starts an embedded Postgres, a stand-in for the image source and one for Cloudinary (real
    HTTP servers on loopback), draws pictures, enqueues them, some with something wrong, and
    runs the real worker. Exit 0 only if every panel ended as it must. Needs the extra `demo`.
    """
    with ExitStack() as stack:
        stage = _set_up(stack)
        _say(f"drawing {panels} pictures")
        planted = list(plant(stage.origin, panels))
        _say("starting the worker: storyboard-worker run")
        stack.enter_context(_worker(stage))
        ids = _enqueue(stage, planted)
        rows = _watch(stage, ids)
        verdicts = [
            _verdict(stage, panel, rows[id_]) for panel, id_ in zip(planted, ids, strict=True)
        ]
        console().print(_final_table(planted, [rows[id_] for id_ in ids], verdicts))
        good = _conclude(stage, verdicts)
        if keep_running:
            _keep_running(stage)
    sys.exit(Exit.DONE if good else Exit.BAD_ANSWER)


@dataclass(frozen=True)
class Stage:
    """Everything that the demo started."""

    folder: Path
    dsn: str
    origin: Origin
    cloudinary: Cloudinary
    rows: StoryboardRows

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    def settings(self) -> dict[str, str]:
        """The environment that points a command at this stage."""
        return {
            "DATABASE_URL": self.dsn,
            "CLOUDINARY_CLOUD_NAME": self.cloudinary.cloud_name,
            "CLOUDINARY_API_KEY": self.cloudinary.api_key,
            "CLOUDINARY_API_SECRET": self.cloudinary.api_secret,
            "CLOUDINARY_UPLOAD_PREFIX": self.cloudinary.url,
            "SOURCE_ALLOW_PRIVATE": "true",
            # Short, so that the expired panel is noticed while somebody watches.
            "LEASE_SECONDS": "6",
        }


def _set_up(stack: ExitStack) -> Stage:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storyboard-demo-")))
    _say("starting a private Postgres")
    dsn = stack.enter_context(private_postgres(folder))
    database = Database(dsn)
    stack.callback(database.close)
    _say(f"migrating: {', '.join(schema.upgrade(database))}")
    origin = stack.enter_context(Origin())
    cloudinary = stack.enter_context(Cloudinary())
    _say(f"image source at {origin.url}, Cloudinary at {cloudinary.url}")
    return Stage(folder, dsn, origin, cloudinary, StoryboardRows(database))


@contextmanager
def _worker(stage: Stage) -> Iterator[None]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with stage.worker_log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "storyboard_worker", "run"],
            env=inherited | stage.settings(),
            stderr=log,
            # Its own group: Ctrl-C is for the demo, which then stops the worker gracefully.
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _enqueue(stage: Stage, planted: list[Panel]) -> list[UUID]:
    ids = []
    for panel in planted:
        ids += stage.rows.enqueue(
            [panel.url], project_id="demo", max_attempts=panel.trouble.max_attempts
        )
    return ids


def _watch(stage: Stage, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """Show the rows until all are finished; returns them."""
    screen = Console(stderr=True)
    ends_at = time.monotonic() + GIVE_UP_SECONDS
    with Live(console=screen, transient=True) as live:
        while True:
            rows = {row["id"]: row for row in stage.rows.newest(limit=len(ids))}
            live.update(_live_table([rows[id_] for id_ in ids]))
            finished = all(row["finished_at"] for row in rows.values())
            if finished or time.monotonic() > ends_at:
                return rows
            time.sleep(LOOK_SECONDS)


def _live_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, show_header=False)
    for status in Status:
        numbers = [str(n) for n, row in enumerate(rows, 1) if row["status"] == status]
        table.add_row(f"{MARKS[status]} {status}", str(len(numbers)), " ".join(numbers))
    return table


def _verdict(stage: Stage, panel: Panel, row: dict[str, Any]) -> str:
    """What is not as it must be with a panel; empty when all is well."""
    if row["status"] != panel.expected_status:
        return f"must be {panel.expected_status}"
    if panel.expected_status is Status.FAILED:
        expected = panel.trouble.error_code
        return "" if row["error_code"] == expected else f"must fail with {expected}"
    uploads = sum(upload.public_id == row["public_id"] for upload in stage.cloudinary.uploads)
    if uploads != 1:
        return f"uploaded {uploads} times"
    with urllib.request.urlopen(row["cdn_url"], timeout=10) as answer:  # noqa: S310  our own server
        return "" if answer.read() == panel.body else "the stored bytes differ"


def _final_table(
    planted: list[Panel], rows: list[dict[str, Any]], verdicts: list[str]
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("panel", "planted trouble", "state", "attempts", "seconds"):
        table.add_column(heading, no_wrap=True)
    table.add_column("CDN address, or the error in words", overflow="fold")
    for panel, row, verdict in zip(planted, rows, verdicts, strict=True):
        table.add_row(
            str(panel.number),
            panel.trouble.words,
            f"{MARKS[row['status']]} {row['status']}",
            str(row["attempts"]),
            f"{(row['updated_at'] - row['created_at']).total_seconds():.2f}",
            f"WRONG: {verdict}" if verdict else row["cdn_url"] or row["error_message"],
        )
    return table


def _conclude(stage: Stage, verdicts: list[str]) -> bool:
    wrong = sum(bool(verdict) for verdict in verdicts)
    if wrong:
        click.echo(f"\n{wrong} of {len(verdicts)} panels did NOT end as they must.", err=True)
        click.echo(stage.worker_log.read_text(), err=True)
        return False
    click.echo(
        f"\nAll {len(verdicts)} panels ended as they must; every stored image equals its source."
    )
    return True


def _keep_running(stage: Stage) -> None:
    click.echo("\nStill running, until Ctrl-C. To look around from another terminal:\n")
    for name, value in stage.settings().items():
        click.echo(f"  export {name}='{value}'")
    click.echo("  storyboard-worker status\n")
    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo("stopping", err=True)


def _say(step: str) -> None:
    click.echo(f"· {step}", err=True)
