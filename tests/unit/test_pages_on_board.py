"""What the pages say of an open page of the board."""

import re

import pytest

from storyboard_worker.queries.board.summary import NEWEST_PICTURES
from storyboard_worker.queries.upkeep_statements import HISTORY_SECONDS
from storyboard_worker.web.board import assets
from storyboard_worker.web.board.overview import AGES_SECONDS
from tests.support.pages import page

SCRIPT = (assets.FOLDER / "board.js").read_text("utf-8")
TIMES = {
    name: int(number) / 1000 for name, number in re.findall(r"const (\w+)_MS = (\d+);", SCRIPT)
}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("OPERATIONS", f"of the {NEWEST_PICTURES} pictures that became ready last"),
        ("OPERATIONS", f"a question unanswered for {TIMES['SILENCE']:.0f} s"),
        ("OPERATIONS", f"asks every {TIMES['SOONEST']:.0f} s what has changed"),
        ("OPERATIONS", f"every {TIMES['LATEST']:.0f} s while nothing does"),
        ("OPERATIONS", f"failed attempts of the last {HISTORY_SECONDS / 86_400:.0f} days"),
        ("DECISIONS", f"of the {NEWEST_PICTURES} newest ones"),
        ("DECISIONS", f"for {AGES_SECONDS:.0f} s at most because they tell ages"),
    ],
)
def test_numbers(name: str, told: str) -> None:
    assert told in " ".join(page(name).split())
