"""``Retry-After`` in both its forms, and without a readable form."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storyboard_worker.transfer.retry_after import rate_limit_reset_seconds, retry_after_seconds
from tests.support.replies import head

NOON = datetime(2015, 10, 21, 12, tzinfo=UTC)


def after(raw: str, **others: str) -> float | None:
    return retry_after_seconds(head({"retry-after": raw, **others}))


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(("raw", "seconds"), [("0", 0), ("120", 120), (" 7 ", 7), ("007", 7)])
def test_seconds_are_taken_as_they_are(raw: str, seconds: float) -> None:
    assert after(raw) == seconds


def test_no_header_asks_for_nothing() -> None:
    assert retry_after_seconds(head({})) is None
    assert after("") is None


@pytest.mark.parametrize("distance", [0, 1, 90, 86_400])
def test_a_date_is_measured_against_the_answers_own_date(distance: int) -> None:
    # By this machine's clock it is years ago, but that clock does not count.
    later = NOON + timedelta(seconds=distance)
    assert after(http_date(later), date=http_date(NOON)) == distance


def test_a_date_that_has_passed_asks_for_no_wait() -> None:
    assert after(http_date(NOON - timedelta(hours=1)), date=http_date(NOON)) == 0


@pytest.mark.parametrize("date", [{}, {"date": "yesterday, I think"}])
def test_without_a_readable_date_our_clock_serves(date: dict[str, str]) -> None:
    seconds = after(http_date(datetime.now(UTC) + timedelta(seconds=100)), **date)
    assert seconds is not None
    assert 95 < seconds <= 100


def test_the_obsolete_forms_of_dates_are_read() -> None:
    date = http_date(NOON)
    assert after("Wednesday, 21-Oct-15 12:00:05 GMT", date=date) == 5
    assert after("Wed Oct 21 12:00:05 2015", date=date) == 5


@pytest.mark.parametrize(
    "raw",
    [
        "soon",
        "-5",
        "1.5",
        "1e3",
        "inf",
        "nan",
        "120 seconds",
        "Mon, 32 Jan 2020 00:00:00 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +999999999999999999999",
        "Mon, 01 Jan 2020 99999999999999999999:00:00 GMT",
    ],
)
def test_nonsense_asks_for_nothing(raw: str) -> None:
    assert after(raw) is None


@settings(max_examples=200, deadline=None)
@example("9" * 500, "")
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_a_time_or_none(raw: str, date: str) -> None:
    seconds = after(raw, date=date)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [
        ("0", http_date(NOON + timedelta(seconds=60)), 60),
        ("0", http_date(NOON - timedelta(seconds=60)), 0),
        ("0", "soon", None),
        ("1", http_date(NOON + timedelta(seconds=60)), None),
        ("", http_date(NOON + timedelta(seconds=60)), None),
    ],
)
def test_a_limit_that_is_used_up_says_when_it_ends(
    remaining: str, reset: str, seconds: float | None
) -> None:
    fields = {
        "date": http_date(NOON),
        "x-featureratelimit-remaining": remaining,
        "x-featureratelimit-reset": reset,
    }
    assert rate_limit_reset_seconds(head(fields)) == seconds
