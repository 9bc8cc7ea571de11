"""Whether all is well and why rows failed, as it was read last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storyboard_worker.queries.board.causes import FailedCauses
from storyboard_worker.queries.board.summary import Summary
from storyboard_worker.web.board.fragments import Fragments
from storyboard_worker.web.board.pictures import Pictures
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.verdict import Limits, findings


@dataclass(frozen=True, slots=True)
class Overview:
    """``values`` are those of ``_overview.html`` and ``_causes.html``. ``fragments`` are what pages
    show at this moment; the next overview has new ones, with new ages."""

    summary: Summary
    causes: FailedCauses
    values: dict[str, Any]
    fragments: Fragments

    @property
    def now(self) -> datetime:
        """The database's clock when the summary was read."""
        return self.summary.moment


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
            latest = self._latest = self._of(summary, causes)
        return latest

    def _of(self, summary: Summary, causes: FailedCauses) -> Overview:
        values = {
            "summary": summary,
            "now": summary.moment,
            "causes": causes,
            "findings": findings(summary, causes, self._limits),
        }
        shared = {**values, "picture_is_shown": self._pictures.is_shown}
        return Overview(summary, causes, values, Fragments(shared))
