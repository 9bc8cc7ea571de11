"""What the demo shows: steps, the progress of the panels, the table at the end."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from storyboard_worker.cli.demo_panels import Panel
from storyboard_worker.cli.demo_waits import Wait, in_words, waits
from storyboard_worker.cli.output import print_table, remark
from storyboard_worker.storyboard import Status

LOOK_SECONDS = 0.1
GIVE_UP_SECONDS = 90.0
BAR_COLUMNS = 40
MARKS = {
    Status.PENDING: "·",
    Status.PROCESSING: "▸",
    Status.READY: "✓",
    Status.FAILED: "✗",
}
STYLES = {
    Status.PENDING: "dim",
    Status.PROCESSING: "cyan",
    Status.READY: "green",
    Status.FAILED: "red",
}

Row = dict[str, Any]


class Screen:
    """stderr: a line for each step; on a terminal, a live view of the panels as well."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._console = Console(stderr=True)

    def say(self, step: str) -> None:
        remark(f"{self._seconds():5.1f} s  {step}")

    def watch(self, look: Callable[[], list[Row]], give_up: Callable[[], bool]) -> list[Row]:
        """Show the rows until all are finished, ``give_up`` says so, or the time is up.

        Returns the last rows read.
        """
        if self._console.is_terminal:
            with Live(console=self._console, transient=True) as live:
                rows = self._follow(look, give_up, lambda rows: live.update(self._view(rows)))
            self.say(_counts(rows))
            return rows
        return self._follow(look, give_up, self._tell_changes())

    def _follow(
        self,
        look: Callable[[], list[Row]],
        give_up: Callable[[], bool],
        show: Callable[[list[Row]], None],
    ) -> list[Row]:
        ends_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            # Asked before the rows are read: the last thing may have changed them.
            hopeless = give_up() or time.monotonic() > ends_at
            rows = look()
            show(rows)
            if hopeless or all(row["finished_at"] for row in rows):
                return rows
            time.sleep(LOOK_SECONDS)

    def _tell_changes(self) -> Callable[[list[Row]], None]:
        told = ""
        told_waits: set[Wait] = set()

        def tell(rows: list[Row]) -> None:
            nonlocal told
            words = _counts(rows)
            if words != told:
                self.say(words)
            told = words
            now = datetime.now(UTC)
            news = set(waits(rows, now)) - told_waits
            told_waits.update(news)
            for line in in_words(news, now):
                self.say(line)

        return tell

    def _view(self, rows: Sequence[Row]) -> Group:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis")
        for status in Status:
            numbers = [str(n) for n, row in enumerate(rows, 1) if row["status"] == status]
            cells = (f"{MARKS[status]} {status}", str(len(numbers)), " ".join(numbers))
            table.add_row(*cells, style=STYLES[status])
        finished = sum(row["finished_at"] is not None for row in rows)
        bar = ProgressBar(total=len(rows), completed=finished, width=BAR_COLUMNS)
        now = datetime.now(UTC)
        lines = in_words(waits(rows, now), now)
        return Group(table, bar, f"{self._seconds():5.1f} s", *map(Text, lines))

    def _seconds(self) -> float:
        return time.monotonic() - self._started


def _counts(rows: Sequence[Row]) -> str:
    statuses = [row["status"] for row in rows]
    return ", ".join(
        f"{statuses.count(status)} {status}" for status in Status if status in statuses
    )


def print_final_table(panels: Sequence[Panel], rows: Sequence[Row], wrong: Sequence[str]) -> None:
    """``wrong``: for each panel what is wrong with it, empty where it is as expected."""
    headings = ["panel", "state", "attempts", "time", "planted trouble"]
    headings.append("CDN address, or the error in words")
    print_table(headings, map(_cells, panels, rows, wrong))


def _cells(panel: Panel, row: Row, wrong: str) -> list[object]:
    seconds = (row["updated_at"] - row["created_at"]).total_seconds()
    outcome = row["cdn_url"] or f"{row['error_message']} ({row['error_code']})"
    return [
        panel.number,
        f"{MARKS[row['status']]} {row['status']}",
        row["attempts"],
        f"{seconds:.2f} s",
        panel.trouble.words,
        f"WRONG, {wrong}: {outcome}" if wrong else outcome,
    ]
