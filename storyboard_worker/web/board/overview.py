"""Whether all is well and why rows failed, as it was read last."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storyboard_worker.queries.board.causes import FailedCauses
from storyboard_worker.queries.board.summary import Summary
from storyboard_worker.web.board.fragments import Fragments
from storyboard_worker.web.board.pictures import Pictures
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.verdict import Finding, Limits, findings

# Parts of pages tell ages. For so long they may be told again as they are.
AGES_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Overview:
    """``fragments`` are what pages show at this moment; the next overview has new ones, with new
    ages. ``made_at`` is on this process's monotonic clock."""

    summary: Summary
    causes: FailedCauses
    findings: list[Finding]
    fragments: Fragments
    made_at: float

    @property
    def now(self) -> datetime:
        """The database's clock at this moment."""
        return self.summary.now

    @property
    def values(self) -> dict[str, Any]:
        """The values of ``_overview.html`` and ``_causes.html``."""
        return {
            "summary": self.summary,
            "now": self.now,
            "causes": self.causes,
            "findings": self.findings,
        }


class Overviews:
    """``limits``: above them too much waits."""

    def __init__(self, reads: BoardReads, limits: Limits, pictures: Pictures) -> None:
        self._reads = reads
        self._limits = limits
        self._pictures = pictures
        self._latest: Overview | None = None

    def latest(self) -> Overview:
        """Raises what the reads raise."""
        summary, causes = self._reads.summary(), self._reads.causes()
        latest = self._latest
        if latest is None or latest.summary is not summary or latest.causes is not causes:
            self._pictures.expect_more_like(summary.newest_pictures)
        elif time.monotonic() - latest.made_at < AGES_SECONDS:
            return latest
        latest = self._latest = self._of(summary, causes)
        return latest

    def _of(self, summary: Summary, causes: FailedCauses) -> Overview:
        found = findings(summary, causes, self._limits)
        shared = {
            "summary": summary,
            "causes": causes,
            "findings": found,
            "picture_is_shown": self._pictures.is_shown,
        }
        fragments = Fragments(shared, lambda: summary.now)
        return Overview(summary, causes, found, fragments, time.monotonic())
