"""How numbers, times and sentences stand on a page."""

from datetime import UTC, datetime, timedelta

import pytest

from storyboard_worker.web.board.shown_values import ago, long_time, sentence
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
        (-6.2, "in 6 s"),
    ],
)
def test_ages_are_whole_numbers(seconds: float, told: str) -> None:
    assert ago(ENGLISH, NOW - timedelta(seconds=seconds), NOW) == told


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
