"""Moments as Postgres knows them, read into datetimes, which know fewer.

A timestamptz may be infinite, before Christ or after the year 9999, where psycopg raises: one
such row would cost the whole result. It becomes the earliest or the latest datetime.
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
    """From now on no moment that ``connection`` reads is too early or too late."""
    connection.adapters.register_loader("timestamptz", MomentLoader)


class MomentLoader(Loader):
    """As psycopg reads a timestamptz where it can.

    It refuses all moments while the session's DateStyle is not ISO, and goes by the style at the
    end of a message, which may undo what the message began with. So an ISO text is read in any
    case. A finite one in another style is still refused: its time zone is only an abbreviation.
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
    """``None`` for a moment that is neither too early nor too late; in any DateStyle."""
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
