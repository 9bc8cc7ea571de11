"""Finds out by its behaviour which kind of connection leads to the database."""

from enum import StrEnum

from sqlalchemy import Connection, func, select

from storyboard_worker.database import Database

# One look may miss a pooler, because its other clients may take the server process.
LOOKS = 3


class ConnectionKind(StrEnum):
    """``DIRECT``, or through a pooler.

    A session pooler gives each client a server process for its whole session, a transaction
    pooler for one transaction at a time.
    """

    DIRECT = "direct"
    SESSION_POOLER = "session pooler"
    TRANSACTION_POOLER = "transaction pooler"


def connection_kind(database: Database) -> ConnectionKind:
    """The kind of ``database``'s connections. Takes two of them for a moment.

    Raises :class:`DatabaseUnavailable`.
    """
    with database.connect() as one, database.connect() as other:
        if any(_share(one, other) for _ in range(LOOKS)):
            return ConnectionKind.TRANSACTION_POOLER
        # A pooler invents the process id that it announces when a client connects.
        driver = one.connection.driver_connection
        announced = None if driver is None else driver.info.backend_pid
        direct = announced == _process_id(one)
    return ConnectionKind.DIRECT if direct else ConnectionKind.SESSION_POOLER


def _share(one: Connection, other: Connection) -> bool:
    """Whether ``other`` may get the server process of ``one`` between its transactions."""
    before = _process_id(one)
    one.commit()
    others = _process_id(other)
    # ``other`` is still within its transaction.
    after = _process_id(one)
    one.commit()
    other.commit()
    return others == before or after != before


def _process_id(connection: Connection) -> int:
    return int(connection.execute(select(func.pg_backend_pid())).scalar_one())
