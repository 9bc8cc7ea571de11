"""Filters and places in addresses."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.errors import ErrorCode
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.places import Place
from storyboard_worker.storyboard import Status
from storyboard_worker.web.board.wanted import MOST_CHARACTERS, Wanted, address, wanted_by

PLACE = Place(datetime(2026, 11, 26, 1, 2, 3, 4567, UTC), UUID(int=7))
# What a person can type: no space at the ends, and no NUL, which Postgres does not take.
typed = st.text(min_size=1, max_size=50).filter(
    lambda text: text == text.strip() and text and "\x00" not in text and text.isprintable()
)


@settings(max_examples=40)
@given(
    which=st.builds(
        PanelFilter,
        state=st.sampled_from(Status) | st.none(),
        error_code=st.sampled_from([str(code) for code in ErrorCode]) | st.none(),
        host=typed.map(str.lower).filter(lambda host: host == host.lower().strip()) | st.none(),
        project=typed | st.none(),
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
        {"state": "", "code": "", "project": " ", "text": ""},
        {"state": "nonsense"},
        {"older": "nonsense", "newer": "~"},
        {"older": "2026-11-26T00:00:00~" + str(UUID(int=7))},
        {"unknown": "x", "lang": "zh"},
    ],
)
def test_what_cannot_be_read_counts_as_not_given(pairs: dict[str, str]) -> None:
    assert wanted_by(pairs) == Wanted(PanelFilter())


def test_long_texts_are_cut() -> None:
    wanted = wanted_by({"text": "x" * 9999, "project": "y" * 9999})
    assert wanted.which.text == "x" * MOST_CHARACTERS
    assert wanted.which.project == "y" * MOST_CHARACTERS


def test_one_place_counts() -> None:
    wanted = wanted_by({"older": str(PLACE), "newer": str(PLACE)})
    assert (wanted.older, wanted.newer) == (PLACE, None)
