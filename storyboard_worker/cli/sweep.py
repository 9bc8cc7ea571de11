"""``sweep``."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Self

import click
from rich.console import Console

from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.cli.arguments import ROWS, Seconds, TimeSpan
from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.output import duration, print_json, print_table
from storyboard_worker.cli.pruning import assembled_pruning
from storyboard_worker.cli.resources import check_resources
from storyboard_worker.cli.streams import ResultLost
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.hard_end import HardEnd, write_to_stderr
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.allocator import keep_freed_memory
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.sweep import Sweep
from storyboard_worker.worker.tally import CutShort, Tally

# What reading settings, tidying up and printing may take beside the time for processing.
HARD_END_MARGIN_SECONDS = 10.0
# What reporting a hard end may take.
LAST_WORDS_SECONDS = 7.0


@click.command(
    "sweep",
    epilog="""\b
Examples:
  */5 * * * * storyboard-worker sweep               (crontab)
  storyboard-worker sweep --max-seconds 3600        catch up after an outage
  storyboard-worker sweep --prune 30d               delete old pictures that no row shows, too
  storyboard-worker sweep --no-process --json       only tidy up, and look""",
)
@click.option(
    "--max-seconds",
    type=Seconds(),
    default=240,
    show_default=True,
    help="A hard limit; rows under way then are given back.",
)
@click.option("--limit", type=ROWS, metavar="N", help="Process at most N rows.")
@click.option("--no-process", is_flag=True, help="Only rescue, expire and raise alarms.")
@click.option(
    "--prune",
    "prune_older_than",
    type=TimeSpan(),
    metavar="SPAN",
    help="Then delete pictures that no row has shown for so long, like 30d, in the time left.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the tally as JSON.")
def sweep_command(
    *,
    max_seconds: float,
    limit: int | None,
    no_process: bool,
    prune_older_than: timedelta | None,
    as_json: bool,
) -> None:
    """One cron pass over the table.

    Puts rows of dead workers back, fails those whose link has expired, raises alarms (exit 1,
    once an hour for one outage) when rows wait and no worker is alive or none takes them, when
    links die within two hours, an upstream keeps refusing, or the CDN does not serve new
    pictures; then processes what is due until nothing is or the time is up (exit 0 all the
    same). Safe beside workers and beside another sweep. Run it every five minutes.
    """
    keep_freed_memory()
    shutdown, started, words = Shutdown(), time.monotonic(), LastWords(as_json=as_json)
    _hard_end(max_seconds + HARD_END_MARGIN_SECONDS, words.tell)
    with (
        shutdown.on_signals(),
        assembled(uploads=not no_process or prune_older_than is not None) as parts,
        _told(parts.reporter),
        assembled_pruning(parts, shutdown, prune_older_than) as pruning,
        Progress() as progress,
        _printed(as_json=as_json),
    ):
        words.reporter = parts.reporter
        if not no_process:
            check_resources(parts)
        words.sweep = parts.sweep(shutdown, pruning)
        tally = words.sweep.run(
            None if no_process else parts.attempts,
            parts.breakers,
            max_seconds=max_seconds - (time.monotonic() - started),
            limit=limit,
            on_ended=progress.note,
        )
    _print(tally, as_json=as_json)
    sys.exit(Exit.BAD_ANSWER if tally.alarms else Exit.DONE)


@contextmanager
def _printed(*, as_json: bool) -> Iterator[None]:
    """What was done before the database went away is still shown."""
    try:
        yield
    except CutShort as error:
        _print(error.tally, as_json=as_json)
        raise


@contextmanager
def _told(reporter: Reporter) -> Iterator[None]:
    """What cron prints is rarely read, so a sweep that cannot work is reported to Sentry."""
    try:
        yield
    except (DatabaseUnavailable, SchemaOutdated) as error:
        _tell_of_database(reporter, error)
        raise
    except Exception as error:
        reporter.crashed(error)
        raise


def _tell_of_database(reporter: Reporter, reason: object) -> None:
    reporter.alarm(
        "database",
        "A sweep cannot work: the database is away or not migrated",
        next_step="storyboard-worker doctor",
        reason=reason,
    )


def _hard_end(seconds: float, tell: Callable[[], None]) -> None:
    end = HardEnd(seconds, Exit.DATABASE_UNREACHABLE, tell, tell_seconds=LAST_WORDS_SECONDS)
    end.start()
    end.begin()


@dataclass(kw_only=True)
class LastWords:
    """What a sweep says when it is ended hard; it learns of its parts as they are made.

    A database that takes a statement and never answers would hold a sweep for ever, and a cron
    run that hangs keeps all later ones from starting.
    """

    as_json: bool
    reporter: Reporter | None = None
    sweep: Sweep | None = None

    def tell(self) -> None:
        # A result that cannot be written must not keep Sentry from being told.
        with suppress(OSError, ResultLost):
            if self.sweep is not None and self.sweep.tally is not None:
                _print(self.sweep.tally, as_json=self.as_json)
                sys.stdout.flush()
        if self.reporter is not None:
            _tell_of_database(self.reporter, "it does not answer")
            self.reporter.close()
        write_to_stderr(b"Error: the database does not answer; ending hard\n")


class Progress:
    """On a terminal, a line that counts attempts as they end."""

    def __init__(self) -> None:
        self._counts: dict[Outcome, int] = {}
        console = Console(stderr=True)
        self._line = console.status(self._text()) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.stop()

    def note(self, ended: Ended) -> None:
        self._counts[ended.outcome] = self._counts.get(ended.outcome, 0) + 1
        if self._line is not None:
            self._line.update(self._text())

    def _text(self) -> str:
        shown = ", ".join(f"{count} {outcome}" for outcome, count in self._counts.items())
        return f"processing: {shown or 'looking for what is due'}"


def _print(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(tally))
        return
    facts = asdict(tally) | {
        "alarms": "; ".join(tally.alarms) or "none",
        "seconds": duration(tally.seconds),
        "complete": "yes" if tally.complete else "no: rows that are due are left",
    }
    print_table(["sweep", ""], facts.items())
