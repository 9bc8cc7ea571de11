"""Reads the moments of Postgres, even those that no datetime can hold.

A timestamptz may be infinite, before Christ or after the year 9999. psycopg raises there, so one
such row would fail the whole result. Here it becomes the earliest or the latest datetime.
"""

import re
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_FRACTION = re.compile(r":\d\d\.\d+")
_LONG_YEAR = re.compile(r"\d{5}")


def register(connection: psycopg.Connection[Any]) -> None:
    """From now on ``connection`` reads every moment."""
    connection.adapters.register_loader("timestamptz", MomentLoader)


class MomentLoader(Loader):
    """Reads a timestamptz as psycopg does, and where psycopg refuses it.

    psycopg refuses all moments while the session's DateStyle is not ISO. It goes by the style at
    the end of a message, which may differ from the one at its beginning. So an ISO text is read in
    any case. A finite moment in another style is refused: its time zone is only an abbreviation.
    """

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        loader = psycopg.adapters.get_loader(oid, Format.TEXT)
        assert loader is not None
        self._loader = loader(oid, context)

    def load(self, data: Buffer) -> datetime:
        try:
            moment: datetime = self._loader.load(data)
        except (psycopg.DataError, NotImplementedError):
            text = bytes(data).decode("ascii", "replace")
            nearest = _nearest_end(text) or _from_iso(text)
            if nearest is None:
                raise
            return nearest
        return moment


def _nearest_end(text: str) -> datetime | None:
    """The end of time nearest to ``text``, in any DateStyle; ``None`` if a datetime can hold it."""
    if text == "-infinity" or text.endswith(" BC"):
        return EARLIEST
    if text == "infinity" or _LONG_YEAR.search(_FRACTION.sub("", text)):
        return LATEST
    return None


def _from_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
