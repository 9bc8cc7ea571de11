"""The figures that the pages give of ``prune``."""

from itertools import islice, repeat

from storyboard_worker.cli.prune import MAX_SECONDS
from storyboard_worker.doctor.orphan_checks import WARN_DAYS
from storyboard_worker.transfer.deletion import MOST_IDS
from storyboard_worker.worker.prune import LOOKED_FOR_AT_ONCE
from storyboard_worker.worker.prune_patience import CALL_SECONDS, MOST_TRIES, usual_waits
from tests.support.pages import page

TOLD = " ".join(page("OPERATIONS").split())


def test_what_is_done_at_once() -> None:
    assert f"each round of {LOOKED_FOR_AT_ONCE:,} pictures" in TOLD
    assert f"A call deletes {MOST_IDS} pictures." in TOLD
    assert f"During a call to Cloudinary, which takes {CALL_SECONDS:.0f} s at most" in TOLD


def test_how_long_it_tries() -> None:
    words = {7: "seven"}
    assert f"up to {words[MOST_TRIES]} times in about a minute" in TOLD
    waits = usual_waits()
    assert 50 < sum(wait.take() for wait in islice(repeat(waits), MOST_TRIES - 1)) < 70
    assert f"works for {MAX_SECONDS / 60:.0f} minutes at most" in TOLD


def test_when_doctor_warns() -> None:
    assert f"warns after {WARN_DAYS} days" in TOLD
