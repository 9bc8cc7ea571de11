"""How long an idle worker waits."""

import random
from itertools import pairwise

import pytest

from storyboard_worker.worker.idling import JITTER, Idling


class NoJitter(random.Random):
    def uniform(self, _a: float, b: float) -> float:
        return b


def waits(idling: Idling, count: int, *, listening: bool = False) -> list[float]:
    return [idling.wait_seconds(listening=listening) for _ in range(count)]


def test_waits_double_up_to_the_interval() -> None:
    assert waits(Idling(2, NoJitter()), 7) == [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2]


def test_an_interval_below_the_first_wait_bounds_it() -> None:
    assert waits(Idling(0.05, NoJitter()), 3) == [0.05, 0.05, 0.05]


def test_found_work_starts_over_with_short_waits() -> None:
    idling = Idling(2, NoJitter())
    waits(idling, 7)
    idling.found_work()
    assert waits(idling, 2) == [0.1, 0.2]


def test_while_it_listens_looks_are_rare() -> None:
    assert waits(Idling(2, NoJitter()), 3, listening=True) == [30, 30, 30]


def test_a_longer_interval_counts_while_it_listens_too() -> None:
    assert waits(Idling(120, NoJitter()), 1, listening=True) == [120]


@pytest.mark.parametrize(
    ("known", "expected"),
    [((), 30), ((None, None), 30), ((7.0, None), 7), ((40.0, 3.0), 3), ((0.0,), 0), ((90.0,), 30)],
)
def test_no_wait_outlasts_a_known_event(known: tuple[float | None, ...], expected: float) -> None:
    assert Idling(2, NoJitter()).wait_seconds(listening=True, known=known) == expected


@pytest.mark.parametrize(("listening", "interval"), [(True, 30), (False, 2)])
def test_jitter_shortens_by_up_to_a_tenth_and_never_lengthens(
    *, listening: bool, interval: float
) -> None:
    idling = Idling(2, random.Random(3))
    waits(idling, 10)
    found = waits(idling, 300, listening=listening)
    assert min(found) >= interval * 0.9
    assert max(found) <= interval
    assert max(found) - min(found) > interval * 0.09


def test_two_workers_do_not_stay_in_step() -> None:
    one, other = waits(Idling(2), 20), waits(Idling(2), 20)
    assert one != other


def test_a_wait_never_outlasts_the_promised_interval() -> None:
    assert JITTER[1] <= 1


def test_without_jitter_waits_never_shrink() -> None:
    assert all(a <= b for a, b in pairwise(waits(Idling(5, NoJitter()), 10)))
