"""One hard end for every wait of an attempt."""

import socket
import threading
from collections.abc import Iterator

import pytest

from storyboard_worker.errors import AttemptCancelled, AttemptError, ErrorCode
from storyboard_worker.wire.deadline import Deadline
from tests.support.clock import Clock

LONG_SECONDS = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG_SECONDS)
    with ours, theirs:
        yield ours, theirs


def test_time_runs_by_its_clock_and_never_below_zero() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    assert (deadline.remaining_seconds(), deadline.expired) == (10, False)
    clock.now += 4
    assert (deadline.remaining_seconds(), deadline.expired) == (6, False)
    clock.now += 6
    assert (deadline.remaining_seconds(), deadline.expired) == (0, True)
    clock.now += 1
    assert deadline.remaining_seconds() == 0


def test_after_a_cancel_there_is_no_time_left() -> None:
    deadline = Deadline(10)
    deadline.cancel()
    assert (deadline.remaining_seconds(), deadline.expired, deadline.cancelled) == (0, True, True)


def test_check_passes_while_there_is_time() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now += 9.9
    deadline.check("images.example.com")
    assert not deadline.cancelled


def test_check_names_the_upstream_when_the_time_is_up() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now += 10
    with pytest.raises(AttemptError) as raised:
        deadline.check("images.example.com")
    assert raised.value.code is ErrorCode.ATTEMPT_TIMEOUT
    assert raised.value.upstream == "images.example.com"
    assert "10 s" in raised.value.message


def test_a_cancel_counts_before_the_time() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now += 11
    deadline.cancel()
    with pytest.raises(AttemptCancelled):
        deadline.check("images.example.com")


def test_cancel_wakes_a_reader(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _theirs = pair
    deadline = Deadline(LONG_SECONDS)
    received: list[bytes] = []
    with deadline.watching(ours):
        reader = threading.Thread(target=lambda: received.append(ours.recv(1)), daemon=True)
        reader.start()
        deadline.cancel()
        reader.join(LONG_SECONDS / 3)
    assert received == [b""]


def test_a_socket_watched_after_the_cancel_is_shut_at_once(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, _theirs = pair
    deadline = Deadline(LONG_SECONDS)
    deadline.cancel()
    with deadline.watching(ours):
        assert ours.recv(1) == b""


def test_a_socket_no_longer_watched_is_left_alone(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    deadline = Deadline(LONG_SECONDS)
    with deadline.watching(ours):
        pass
    deadline.cancel()
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_a_socket_that_is_closed_already_does_not_stop_the_cancel(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    deadline = Deadline(LONG_SECONDS)
    closed, other = socket.socketpair()
    closed.close()
    other.close()
    deadline.watch(closed)
    deadline.watch(ours)
    deadline.cancel()
    assert theirs.recv(1) == b""


def test_waiting_for_the_cancel_ends_with_it() -> None:
    deadline = Deadline(LONG_SECONDS)
    assert not deadline.wait_until_cancelled(0.001)
    threading.Thread(target=deadline.cancel, daemon=True).start()
    assert deadline.wait_until_cancelled(LONG_SECONDS)


def test_waiting_for_a_cancel_that_has_been_ends_at_once() -> None:
    deadline = Deadline(LONG_SECONDS)
    deadline.cancel()
    assert deadline.wait_until_cancelled(LONG_SECONDS)
