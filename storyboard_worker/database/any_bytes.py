"""Reads databases with the encoding SQL_ASCII, which hold any bytes.

Their server converts nothing. But to a session in UTF-8 it sends no bytes that are not UTF-8, so
one such row would fail the whole result. The session therefore claims to be in LATIN1, where every
byte is valid, and texts are still read and written as UTF-8.
"""

import psycopg
from psycopg import abc
from psycopg.adapt import Loader
from psycopg.types.string import StrDumperUnknown


def speak(connection: psycopg.Connection) -> None:
    """Set up ``connection`` for any bytes. Raises psycopg's errors."""
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
