"""A worker that stops does not wait for rows that may not begin."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.giving_back import GivenBack
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import read_settings
from storyboard_worker.storyboard import Claim
from storyboard_worker.worker.shift import Shift, Team
from tests.support.attempts import new_claim

BROKEN = DatabaseUnavailable("a connection broke")


class Table:
    """Takes rows back. At first it fails with each of ``errors``; for ``None`` in its place the
    rows are locked."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.given_back: list[Claim] = []

    def give_back(self, claims: list[Claim]) -> GivenBack:
        if self._errors:
            error = self._errors.pop(0)
            if error is not None:
                raise error
            return GivenBack(0, frozenset(claim.token for claim in claims))
        self.given_back += claims
        return GivenBack(len(claims), frozenset())

    def give_back_lost(self) -> int:
        return 0


def shift_on(table: Table) -> Shift:
    nothing = cast("Any", None)
    team = Team(cast("Any", table), nothing, Breakers(), Restraint(16))
    return Shift(team, read_settings({"DATABASE_URL": "embedded"}), wake=lambda: None)


def start_ahead(shift: Shift) -> Claim:
    claim = new_claim()
    assert shift.slots.take(most=1) == 1
    shift.slots.start(claim, ahead=True)
    return claim


def test_one_that_is_held_after_the_last_look_is_given_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table()
    shift = shift_on(table)
    held_back = shift.slots.held_back
    late: list[Claim] = []

    def look() -> list[Claim]:
        if late:
            return held_back()
        late.append(start_ahead(shift))
        return []

    monkeypatch.setattr(shift.slots, "held_back", look)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(shift.settle_until, lambda: 60.0 if not table.given_back else 0.0)
        stopping.result(timeout=10)
    assert table.given_back == late
    assert shift.slots.under_way == []
    shift.slots.close()


@pytest.mark.parametrize("error", [BROKEN, None])
def test_one_that_cannot_be_given_back_is_tried_again_soon(error: Exception | None) -> None:
    """A stop does not last its whole grace for it."""
    table = Table(*[error] * 3)
    shift = shift_on(table)
    shift.dispatcher.close()
    claim = start_ahead(shift)
    ends_at = time.monotonic() + 60
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(shift.settle_until, lambda: ends_at - time.monotonic())
        stopping.result(timeout=10)
    assert table.given_back == [claim]
    assert (shift.slots.under_way, shift.seconds_until_settling) == ([], None)
    shift.slots.close()


@pytest.mark.parametrize("errors", [[BROKEN], [None, None]])
def test_the_last_try_of_a_stop_is_repeated(errors: list[Exception | None]) -> None:
    table = Table(*errors)
    shift = shift_on(table)
    shift.dispatcher.close()
    claim = start_ahead(shift)
    assert shift.give_back(10.0) == 1
    assert table.given_back == [claim]
    shift.slots.close()


def test_the_last_try_of_a_stop_has_an_end() -> None:
    shift = shift_on(Table(*[None] * 100))
    shift.dispatcher.close()
    start_ahead(shift)
    assert shift.give_back(0.1) == 0
    shift.slots.close()


def test_one_that_could_not_be_given_back_is_not_waited_for() -> None:
    shift = shift_on(Table())
    shift.dispatcher.close()
    start_ahead(shift)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(shift.drop, 60.0).result(timeout=10)
    assert shift.slots.under_way == []
    shift.slots.close()
