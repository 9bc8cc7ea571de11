"""Filters and places in addresses."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.errors import ErrorCode
from storyboard_worker.lengths import MAX_PROJECT_BYTES
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status
from storyboard_worker.web.board.wanted import MOST_CHARACTERS, Wanted, address, wanted_by

PLACE = Place(datetime(2026, 11, 26, 1, 2, 3, 4567, UTC), UUID(int=7))
# What a row may hold: anything but NUL and half characters, which Postgres does not take.
held = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=50
)
typed = held.filter(lambda text: text == text.strip())


@settings(max_examples=40)
@given(
    which=st.builds(
        PanelFilter,
        state=st.sampled_from(Status) | st.none(),
        error_code=st.sampled_from([str(code) for code in ErrorCode]) | held | st.none(),
        host=held.filter(lambda host: not host.isascii() or host.islower()) | st.none(),
        project=held | st.none(),
        text=typed | st.none(),
    ),
    older=st.just(PLACE) | st.none(),
)
def test_a_filter_comes_back_from_its_address(which: PanelFilter, older: Place | None) -> None:
    wanted = Wanted(which, older=older)
    query = urlsplit(address("/", wanted.page_pairs)).query
    assert wanted_by(dict(parse_qsl(query, strict_parsing=bool(query)))) == wanted


@pytest.mark.parametrize(
    "pairs",
    [
        {},
        {"state": "", "code": "", "host": "", "project": "", "text": " "},
        {"state": "nonsense"},
        {"older": "nonsense", "newer": "~"},
        {"older": "2026-11-26T00:00:00~" + str(UUID(int=7))},
        {"unknown": "x", "lang": "zh"},
    ],
)
def test_what_cannot_be_read_counts_as_not_given(pairs: dict[str, str]) -> None:
    assert wanted_by(pairs) == Wanted(PanelFilter())


def test_a_long_text_is_cut() -> None:
    assert wanted_by({"text": "x" * 9999}).which.text == "x" * MOST_CHARACTERS


def test_a_project_is_taken_as_it_is() -> None:
    for project in (" lead", "trail ", "\t", "\u3000", "a\nb", "x" * MAX_PROJECT_BYTES):
        assert wanted_by({"project": project}).which.project == project


def test_a_host_is_in_lower_case() -> None:
    assert wanted_by({"host": "IMAGES.example"}).which.host == "images.example"


def test_one_place_counts() -> None:
    wanted = wanted_by({"older": str(PLACE), "newer": str(PLACE)})
    assert (wanted.older, wanted.newer) == (PLACE, None)
