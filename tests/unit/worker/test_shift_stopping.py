"""A worker that stops does not wait for rows that may not begin."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.settings.reading import read_settings
from storyboard_worker.storyboard import Claim
from storyboard_worker.worker.shift import Shift, Team
from tests.support.attempts import new_claim


class Table:
    """Takes rows back."""

    def __init__(self) -> None:
        self.given_back: list[Claim] = []

    def give_back(self, claims: list[Claim]) -> int:
        self.given_back += claims
        return len(claims)

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


def test_one_that_could_not_be_given_back_is_not_waited_for() -> None:
    shift = shift_on(Table())
    shift.dispatcher.close()
    start_ahead(shift)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(shift.drop, 60.0).result(timeout=10)
    assert shift.slots.under_way == []
    shift.slots.close()
