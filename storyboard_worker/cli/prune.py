"""``prune``."""

import sys
import time
from dataclasses import asdict
from datetime import timedelta
from types import TracebackType
from typing import Self

import click
from rich.console import Console

from storyboard_worker.cli.arguments import TimeSpan
from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import ago, print_json, print_line, print_table, remark
from storyboard_worker.cli.pruning import assembled_prune
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.orphan_batches import OrphanBatches
from storyboard_worker.queries.orphans import Orphans
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.prune import Pruned
from storyboard_worker.worker.prune_preview import Preview, preview

# Some 100,000 pictures. What is left waits for the next run.
MAX_SECONDS = 900.0
NO_COUNTS = ("reason", "over_in_seconds")


@click.command(
    "prune",
    epilog="""\b
Examples:
  storyboard-worker prune --dry-run
  0 4 * * * storyboard-worker prune                 (crontab)
  storyboard-worker prune --older-than 0            what was deleted for privacy, at once""",
)
@click.option(
    "--older-than",
    type=TimeSpan(),
    default="7d",
    show_default=True,
    help="Only pictures that no row has shown for so long, like 12h or 7d; 0 for all.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many, since when, and some ids.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def prune_command(*, older_than: timedelta, dry_run: bool, as_json: bool) -> None:
    """Delete pictures at Cloudinary that no row shows any more, with their copies on the CDN.

    Those are pictures that another one has replaced, and those of deleted rows. The oldest go
    first. A picture that any row shows is kept, and so is one whose row is pending or processing,
    because it may be uploaded again. When Cloudinary limits the rate or fails, it tries again for
    about a minute. It works for 15 minutes at most. Exit 1 if some are left, or if an attempt on a
    row that has gone may still store its picture: the next run goes on.
    """
    if dry_run:
        with assembled(uploads=True) as parts:
            found = preview(
                Orphans(parts.database), OrphanBatches(parts.database), parts.looking, older_than
            )
        _show(found, as_json=as_json)
        return
    pruned = _prune(older_than, as_json=as_json)
    sys.exit(Exit.BAD_ANSWER if pruned.left or pruned.under_way else Exit.DONE)


def _prune(older_than: timedelta, *, as_json: bool) -> Pruned:
    shutdown = Shutdown()
    with (
        shutdown.on_signals(),
        assembled(uploads=True) as parts,
        shutdown.calling(parts.changing.give_up),
        Progress() as progress,
        assembled_prune(parts, shutdown, progress.note) as prune,
    ):
        try:
            pruned = prune.run(older_than, time.monotonic() + MAX_SECONDS)
        except DatabaseUnavailable:
            # What was done before the database went away is still shown.
            _print(prune.pruned, as_json=as_json)
            raise
    _print(pruned, as_json=as_json)
    return pruned


class Progress:
    """On a terminal, a line that counts pictures as they go."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._line = console.status("looking") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.stop()

    def note(self, pruned: Pruned) -> None:
        if self._line is not None:
            self._line.update(f"pruning: {pruned.gone} gone, {pruned.kept} kept")


def _print(pruned: Pruned, *, as_json: bool) -> None:
    facts = asdict(pruned)
    del facts["is_fault"]
    if as_json:
        print_json(facts)
        return
    counts = {name: value for name, value in facts.items() if name not in NO_COUNTS}
    print_table(["prune", ""], list(counts.items()))
    if pruned.reason is not None:
        remark(f"Error: {pruned.left} left: {pruned.reason}")
    if pruned.under_way:
        remark(
            f"{pruned.under_way} attempt(s) on rows that have gone or changed may still store a "
            f"picture: run prune again in {pruned.over_in_seconds} s"
        )


def _show(found: Preview, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    for public_id in found.public_ids:
        print_line(public_id)
    since = f", the oldest for {ago(found.oldest)}" if found.oldest else ""
    remark(f"{found.left} would be deleted{since}; {found.kept} would be kept")
