"""Times that the pages state, against those of the program."""

from storyboard_worker.database.live_rows import LOCK_WAIT, SLOW
from storyboard_worker.settings.reading import read_settings
from tests.support.pages import page


def told(name: str) -> str:
    return " ".join(page(name).split())


def test_when_an_attempt_whose_row_has_gone_is_over() -> None:
    settings = read_settings({"DATABASE_URL": "postgresql://db.example/postgres"})
    longest = settings.lease_seconds + settings.attempt_timeout_seconds
    assert f"which are {longest:g} s together" in told("OPERATIONS")


def test_how_long_a_statement_waits_for_realtime() -> None:
    words = {"500ms": "half a second", "250ms": "a quarter of a second"}
    assert f"a statement waits for {words[LOCK_WAIT]}" in told("PRODUCERS")
    assert f"a message that took more than {words[SLOW]}" in told("PRODUCERS")
