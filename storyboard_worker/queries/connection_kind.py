"""Which kind of connection leads to the database, found out by how it behaves."""

from enum import StrEnum

from sqlalchemy import Connection, func, select

from storyboard_worker.database import Database

# Other clients of a pooler may take the server process that we wait for.
LOOKS = 3


class ConnectionKind(StrEnum):
    """``DIRECT`` or through a pooler, which gives each client a server process of its own for a
    whole session, or for one transaction at a time."""

    DIRECT = "direct"
    SESSION_POOLER = "session pooler"
    TRANSACTION_POOLER = "transaction pooler"


def connection_kind(database: Database) -> ConnectionKind:
    """Raises :class:`DatabaseUnavailable`. Takes two connections for a moment."""
    with database.connect() as one, database.connect() as other:
        if any(_share(one, other) for _ in range(LOOKS)):
            return ConnectionKind.TRANSACTION_POOLER
        # A pooler makes up the process id that it announces when a client connects.
        driver = one.connection.driver_connection
        announced = None if driver is None else driver.info.backend_pid
        direct = announced == _process_id(one)
    return ConnectionKind.DIRECT if direct else ConnectionKind.SESSION_POOLER


def _share(one: Connection, other: Connection) -> bool:
    """Whether the server process of ``one``, between its transactions, may be that of ``other``."""
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
