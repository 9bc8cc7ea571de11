"""A database with the encoding SQL_ASCII holds any bytes, whatever they mean.

Its server converts nothing, but it refuses to send to a session of UTF-8 what is no UTF-8: one such
row would cost the whole result. To LATIN1 any byte belongs, so that is what the session is said to
be in; the texts within are UTF-8 all the same, as far as they can be read so.
"""

import psycopg
from psycopg import abc
from psycopg.adapt import Loader
from psycopg.types.string import StrDumperUnknown


def speak(connection: psycopg.Connection) -> None:
    """Raises psycopg's errors."""
    connection.execute("SET client_encoding = 'LATIN1'")
    connection.adapters.register_loader("text", _ForgivingTextLoader)
    connection.adapters.register_dumper(str, _Utf8Dumper)


class _ForgivingTextLoader(Loader):
    def load(self, data: abc.Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


class _Utf8Dumper(StrDumperUnknown):
    def __init__(self, cls: type, context: abc.AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self._encoding = "utf-8"
