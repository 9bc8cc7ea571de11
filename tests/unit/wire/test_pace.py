"""A peer that moves less than 4 KB per second of waiting is too slow."""

import pytest

from storyboard_worker.wire.pace import Pace, TooSlow

WINDOW_SECONDS = 30.0


def steps(pace: Pace, seconds: float, count_bytes: int, times: int) -> None:
    for _ in range(times):
        pace.waited(seconds)
        pace.moved(count_bytes)


@pytest.mark.parametrize(
    ("seconds", "count_bytes"), [(1, 1), (1, 4095), (29, 100_000), (0.1, 400), (10, 40_000)]
)
def test_less_is_too_slow_within_two_windows(seconds: float, count_bytes: int) -> None:
    times = int(2 * WINDOW_SECONDS / seconds) + 1
    with pytest.raises(TooSlow, match="less than 4096 bytes a second"):
        steps(Pace(WINDOW_SECONDS), seconds, count_bytes, times)


@pytest.mark.parametrize(
    ("seconds", "count_bytes"), [(1, 4096), (29, 120_000), (0.0001, 1), (10, 41_000)]
)
def test_the_least_pace_is_quick_enough(seconds: float, count_bytes: int) -> None:
    steps(Pace(WINDOW_SECONDS), seconds, count_bytes, 1000)


def test_it_is_not_judged_before_so_much_waiting() -> None:
    steps(Pace(WINDOW_SECONDS), 1, 1, 29)


def test_bytes_before_its_begin_do_not_count() -> None:
    pace = Pace(WINDOW_SECONDS)
    for _ in range(10):
        steps(pace, 1, 1, 29)
        pace.begin()


def test_much_in_one_window_does_not_make_up_for_the_next() -> None:
    pace = Pace(WINDOW_SECONDS)
    steps(pace, 1, 1_000_000, 30)
    with pytest.raises(TooSlow):
        steps(pace, 1, 1, 30)
