"""How numbers, times and sentences stand on a page."""

from datetime import UTC, datetime, timedelta

import pytest

from storyboard_worker.web.board.shown_values import ago, ahead, how_far, long_time, sentence
from storyboard_worker.web.texts.catalogue import Language, texts_in

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ENGLISH = texts_in(Language.ENGLISH)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.9, "now"),
        (1.9, "1 s ago"),
        (9.96, "9 s ago"),
        (119.9, "119 s ago"),
        (121, "2 min ago"),
        (3 * 3600, "3 h ago"),
        (3 * 86_400, "3 days ago"),
    ],
)
def test_ages_are_whole_numbers(seconds: float, told: str) -> None:
    at = NOW - timedelta(seconds=seconds)
    assert ago(ENGLISH, at, NOW) == told
    assert how_far(ENGLISH, at, NOW) == told


def test_what_is_over_never_lies_ahead_and_what_is_to_come_never_behind() -> None:
    later, earlier = NOW + timedelta(seconds=6.2), NOW - timedelta(seconds=6.2)
    assert [ago(ENGLISH, later, NOW), ahead(ENGLISH, earlier, NOW)] == ["now", "now"]
    assert [ahead(ENGLISH, later, NOW), how_far(ENGLISH, later, NOW)] == ["in 6 s", "in 6 s"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0162, "16 ms"), (1.64, "1.6 s"), (42.4, "42 s"), (300, "5 min")]
)
def test_lengths_tell_short_times_more_exactly(seconds: float, told: str) -> None:
    assert long_time(ENGLISH, seconds) == told


@pytest.mark.parametrize(
    ("told", "shown"),
    [("when it answers", "When it answers"), ("`doctor` first", "`doctor` first"), ("", "")],
)
def test_a_sentence_begins_with_a_capital_unless_that_is_code(told: str, shown: str) -> None:
    assert sentence(told) == shown
