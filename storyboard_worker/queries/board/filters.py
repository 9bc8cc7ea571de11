"""Which panels a page shows."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, or_

from storyboard_worker.database.tables import literal_status
from storyboard_worker.queries.columns import host_in
from storyboard_worker.storyboard import Status

Columns = Any  # of the table, or of a query that selects from it


@dataclass(frozen=True, slots=True)
class PanelFilter:
    """The panels that fit every part that is given. An empty filter fits all.

    ``error_code`` is the row's last error; without a ``state`` it means the rows that failed with
    it, not those that wait for another attempt. ``host`` is where its image lies, in lower case and
    without port. ``text`` is a part of the id, the project, the error message or the host, in any
    case.
    """

    state: Status | None = None
    error_code: str | None = None
    host: str | None = None
    project: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        # Postgres takes no NUL, and no row holds one. Text comes from people, so it is not refused.
        for name in ("error_code", "host", "project", "text"):
            given = getattr(self, name)
            if given is not None and "\x00" in given:
                object.__setattr__(self, name, given.replace("\x00", "\ufffd"))

    @property
    def states(self) -> list[Status]:
        """The states that a panel that fits may have."""
        if self.state is not None:
            return [self.state]
        return list(Status) if self.error_code is None else [Status.FAILED]

    @property
    def id(self) -> UUID | None:
        """The id that ``text`` gives in full; ``None`` if it is something else."""
        try:
            return UUID(self.text)
        except (TypeError, ValueError, AttributeError):
            return None

    def conditions(self, columns: Columns) -> list[ColumnElement[bool]]:
        """The filter in SQL, for the table's columns or a query's with the same names."""
        chosen: list[ColumnElement[bool]] = []
        if len(self.states) == 1:
            chosen.append(columns.status == literal_status(self.states[0]))
        if self.error_code is not None:
            chosen.append(columns.error_code == self.error_code)
        if self.host is not None:
            # The host takes long to read, so most others are left out before.
            chosen.append(_authority(columns).icontains(self.host, autoescape=True))
            chosen.append(host_in(columns.source_url) == self.host)
        if self.project is not None:
            chosen.append(columns.project_id == self.project)
        if self.text is not None:
            chosen.append(_holds(columns, self.text))
        return chosen


def _holds(columns: Columns, text: str) -> ColumnElement[bool]:
    id_, project, message, authority, host = (
        part.icontains(text, autoescape=True)
        for part in (
            cast(columns.id, Text),
            columns.project_id,
            columns.error_message,
            _authority(columns),
            host_in(columns.source_url),
        )
    )
    return or_(id_, project, message, authority & host)


def _authority(columns: Columns) -> ColumnElement[str]:
    """What holds the host, and is quicker to find."""
    return func.split_part(columns.source_url, "/", 3)
