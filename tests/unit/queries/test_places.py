"""A place travels in a link and comes back the same."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard_worker.queries.board.places import Place

ID = UUID("11111111-1111-4111-8111-111111111111")


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_there_and_back(moment: datetime, id_: UUID) -> None:
    place = Place(moment, id_)
    assert Place.read(str(place)) == place


@pytest.mark.parametrize(
    "text",
    ["", "~", "2026-01-01~", f"~{ID}", f"2026-01-01T00:00:00~{ID}", f"now~{ID}", "a~b~c", "\x00~é"],
)
def test_nonsense_is_no_place(text: str) -> None:
    assert Place.read(text) is None


def test_the_zone_is_kept() -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8)))
    assert Place.read(f"{moment.isoformat()}~{ID}") == Place(moment, ID)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(Place.read(text), Place | None)
