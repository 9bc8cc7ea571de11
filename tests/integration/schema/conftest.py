"""A listener that hears the notifications of a test."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

HEARD_AT_LAST = "that was all"


@pytest.fixture
def heard(dsn: str, producer: psycopg.Connection) -> Iterator[Callable[[], list[str]]]:
    """Returns the payloads that came since the last call.

    Postgres delivers in the order of commits. A notification of the test's own, sent last, shows
    that no other is on its way.
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
