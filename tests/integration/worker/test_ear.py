"""The claim loop waits for notifications itself, on the connection that the listener has opened."""

import select
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.storyboard import NOTIFY_CHANNEL
from storyboard_worker.worker.ear import Ear
from storyboard_worker.worker.proofs import Proofs
from storyboard_worker.worker.wakes import Wake, Wakes

# Far longer than anything here takes.
LONG_SECONDS = 30.0


class Heard(Proofs):
    """Which payloads were heard; those that begin with «proof:» are proofs."""

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[str] = []

    def heard(self, payload: str) -> bool:
        self.payloads.append(payload)
        return super().heard(payload)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def ear(heard: Heard) -> Ear:
    return Ear(heard)


@pytest.fixture
def wakes(ear: Ear) -> Wakes:
    return Wakes(ear)


@pytest.fixture
def listening(dsn: str, ear: Ear) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
        ear.open(connection)
        yield connection
        ear.close()


def notify(producer: psycopg.Connection, payload: str = "") -> None:
    producer.execute("SELECT pg_notify(%s, %s)", [NOTIFY_CHANNEL, payload])


def until_readable(ear: Ear) -> None:
    descriptor = ear.descriptor
    assert descriptor is not None
    readable, _, _ = select.select([descriptor], [], [], LONG_SECONDS)
    assert readable


def test_a_row_wakes_the_loop(
    listening: psycopg.Connection, producer: psycopg.Connection, wakes: Wakes
) -> None:
    notify(producer)
    assert wakes.within(LONG_SECONDS) == {Wake.ROW_ARRIVED}
    assert wakes.within(0) == set()


def test_a_row_that_came_before_the_wait_wakes_it_along_with_what_was_put(
    listening: psycopg.Connection, producer: psycopg.Connection, ear: Ear, wakes: Wakes
) -> None:
    notify(producer)
    until_readable(ear)
    wakes.put(Wake.WORKED)
    assert wakes.within(LONG_SECONDS) == {Wake.WORKED, Wake.ROW_ARRIVED}


def test_a_proof_is_heard_and_brings_no_work(
    listening: psycopg.Connection, producer: psycopg.Connection, heard: Heard, wakes: Wakes
) -> None:
    notify(producer, "proof:1")
    assert wakes.within(LONG_SECONDS) == set()
    assert heard.payloads == ["proof:1"]


def test_what_is_put_wakes_a_loop_that_waits(listening: psycopg.Connection, wakes: Wakes) -> None:
    threading.Timer(0.05, wakes.put, [Wake.STOP]).start()
    began_at = time.monotonic()
    assert wakes.within(LONG_SECONDS) == {Wake.STOP}
    assert time.monotonic() - began_at < LONG_SECONDS / 2


def test_all_that_was_put_is_told_once(wakes: Wakes) -> None:
    for _ in range(3):
        wakes.put(Wake.WORKED)
    wakes.put(Wake.STOP)
    assert wakes.within(LONG_SECONDS) == {Wake.WORKED, Wake.STOP}
    assert wakes.within(0) == set()
    wakes.put(Wake.WORKED)
    assert wakes.within(LONG_SECONDS) == {Wake.WORKED}


def test_without_a_connection_the_time_passes(wakes: Wakes) -> None:
    assert wakes.within(0.001) == set()


def test_a_connection_that_breaks_is_told_and_no_longer_waited_for(
    listening: psycopg.Connection, producer: psycopg.Connection, ear: Ear, wakes: Wakes
) -> None:
    producer.execute("SELECT pg_terminate_backend(%s, 10000)", [listening.info.backend_pid])
    while ear.descriptor is not None:
        assert wakes.within(LONG_SECONDS) == set()
    with pytest.raises(psycopg.OperationalError):
        ear.wait_for_break(LONG_SECONDS)
    # A broken connection stays readable. The loop must not turn and turn.
    assert wakes.within(0.001) == set()


def test_a_connection_that_the_listener_has_closed(
    listening: psycopg.Connection, ear: Ear, wakes: Wakes
) -> None:
    listening.close()
    assert ear.descriptor is None
    assert wakes.within(0.001) == set()


def test_what_a_busy_loop_leaves_is_heard_by_another_thread(
    listening: psycopg.Connection, producer: psycopg.Connection, ear: Ear
) -> None:
    notify(producer)
    until_readable(ear)
    assert ear.hear()
    assert not ear.hear()
