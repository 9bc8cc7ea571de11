"""These tests leave rows behind and nothing else."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

HEARD_AT_LAST = "that was all"


@pytest.fixture
def heard(dsn: str, producer: psycopg.Connection) -> Iterator[Callable[[], list[str]]]:
    """Asked for: the payloads that came since the last time.

    Postgres delivers in the order of commits, so a notification of our own, sent last,
    shows that nothing else is on its way.
    """
    with psycopg.connect(dsn, autocommit=True) as listener:
        listener.execute("LISTEN storyboards")

        def payloads() -> list[str]:
            producer.execute("SELECT pg_notify('storyboards', %s)", [HEARD_AT_LAST])
            found: list[str] = []
            for notification in listener.notifies(timeout=30):
                if notification.payload == HEARD_AT_LAST:
                    return found
                found.append(notification.payload)
            raise AssertionError("the last notification never came")

        yield payloads
