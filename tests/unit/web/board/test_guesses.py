"""Wrong tokens are slowed down."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from storyboard_worker.web.board.guesses import (
    BURST,
    FORGOTTEN_AFTER_SECONDS,
    FREE_GUESSES,
    LONGEST_PAUSE_SECONDS,
    MOST_ADDRESSES,
    PER_SECOND,
    Guesses,
    address_of,
)
from tests.support.clock import Clock

HERE, THERE = "192.0.2.1", "192.0.2.2"


def guessing(clock: Clock, guesses: Guesses, address: str, times: int) -> list[float]:
    """Guesses wrongly as soon as it may; the pauses in between."""
    pauses = []
    for _ in range(times):
        guesses.was_wrong(address)
        pauses.append(guesses.pause_seconds(address))
        clock.now += pauses[-1]
    return pauses


def test_pauses_double_and_end(clock: Clock) -> None:
    guesses = Guesses(clock)
    free = [0.0] * (FREE_GUESSES - 1)
    pauses = guessing(clock, guesses, HERE, FREE_GUESSES + 7)
    assert pauses == [*free, 1, 2, 4, 8, 16, *[LONGEST_PAUSE_SECONDS] * 3]
    assert guesses.pause_seconds(HERE) == 0


def test_another_address_does_not_wait(clock: Clock) -> None:
    guesses = Guesses(clock)
    guessing(clock, guesses, HERE, FREE_GUESSES + 3)
    guesses.was_wrong(HERE)
    assert guesses.pause_seconds(HERE) > 0
    assert guesses.pause_seconds(THERE) == 0


def test_the_right_token_forgives(clock: Clock) -> None:
    guesses = Guesses(clock)
    guessing(clock, guesses, HERE, FREE_GUESSES + 3)
    guesses.was_right(HERE)
    guesses.was_wrong(HERE)
    assert guesses.pause_seconds(HERE) == 0


def test_wrong_tokens_are_forgotten_in_time(clock: Clock) -> None:
    guesses = Guesses(clock)
    guessing(clock, guesses, HERE, FREE_GUESSES + 3)
    clock.now += FORGOTTEN_AFTER_SECONDS + 1
    guesses.was_wrong(HERE)
    assert guesses.pause_seconds(HERE) == 0


def test_many_addresses_are_bound_together(clock: Clock) -> None:
    """An attacker may have many addresses."""
    guesses = Guesses(clock)
    for number in range(int(BURST)):
        assert guesses.pause_seconds(f"198.51.100.{number}") == 0
        guesses.was_wrong(f"198.51.100.{number}")
    assert 0 < guesses.pause_seconds(HERE) <= 1 / PER_SECOND
    clock.now += 1 / PER_SECOND
    assert guesses.pause_seconds(HERE) == 0


def test_memory_is_bounded(clock: Clock) -> None:
    guesses = Guesses(clock)
    for number in range(MOST_ADDRESSES + 50):
        guesses.was_wrong(str(number))
    assert len(guesses._guessers) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "127.0.0.9"),
        ("", "127.0.0.9"),
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("nonsense" * 100, ("nonsense" * 100)[:64]),
    ],
)
def test_address(forwarded: str | None, address: str) -> None:
    builder = EnvironBuilder(environ_base={"REMOTE_ADDR": "127.0.0.9"})
    if forwarded is not None:
        builder.headers["X-Forwarded-For"] = forwarded
    assert address_of(Request(builder.get_environ())) == address
