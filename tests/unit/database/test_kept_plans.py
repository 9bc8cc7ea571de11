"""What a connection knows of the statements that it has prepared."""

import pytest

from storyboard_worker.database import kept_plans
from storyboard_worker.database.kept_plans import MOST_SECONDS, KeptPlans
from tests.support.clock import Clock

ONE, OTHER = "SELECT 1", "SELECT 2"


def test_a_statement_has_a_name_once_it_is_prepared() -> None:
    plans = KeptPlans()
    assert plans.name(ONE) is None
    name = plans.add(ONE)
    assert plans.name(ONE) == name
    assert plans.name(OTHER) is None


def test_names_differ_by_statement_and_not_by_connection() -> None:
    one, other = KeptPlans(), KeptPlans()
    assert one.add(ONE) != one.add(OTHER)
    assert other.add(ONE) == one.name(ONE)


def test_an_old_plan_is_made_anew_under_its_name() -> None:
    clock = Clock()
    plans = KeptPlans(clock)
    name = plans.add(ONE)
    clock.now += MOST_SECONDS + 1
    assert plans.name(ONE) is None
    assert ONE in plans
    assert plans.add(ONE) == name
    assert plans.name(ONE) == name


def test_what_was_lost_gets_another_name() -> None:
    plans = KeptPlans()
    before = plans.add(ONE)
    plans.lose([ONE])
    assert ONE not in plans
    assert plans.add(ONE) != before


def test_no_more_than_a_few_are_kept_with_those_that_may_still_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_plans, "MOST_PLANS", 2)
    plans = KeptPlans()
    plans.add(ONE)
    plans.lose_all()
    assert plans.add(ONE) is not None
    assert plans.add(OTHER) is None
