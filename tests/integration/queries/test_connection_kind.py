"""The kind of a connection is found out from the behaviour of real poolers."""

from storyboard_worker.database import Database
from storyboard_worker.queries.connection_kind import ConnectionKind, connection_kind
from tests.support.pooler import session_pooler, transaction_pooler


def kind_of(dsn: str) -> ConnectionKind:
    database = Database(dsn)
    try:
        return connection_kind(database)
    finally:
        database.close()


def test_direct(dsn: str) -> None:
    assert kind_of(dsn) is ConnectionKind.DIRECT


def test_a_transaction_pooler(dsn: str) -> None:
    with transaction_pooler(dsn) as pooled:
        assert [kind_of(pooled) for _ in range(5)] == [ConnectionKind.TRANSACTION_POOLER] * 5


def test_a_session_pooler(dsn: str) -> None:
    with session_pooler(dsn) as pooled:
        assert [kind_of(pooled) for _ in range(5)] == [ConnectionKind.SESSION_POOLER] * 5
