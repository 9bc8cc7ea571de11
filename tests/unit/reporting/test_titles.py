"""Each error code has a title."""

from storyboard_worker.errors import ErrorCode
from storyboard_worker.reporting.titles import IN_WORDS


def test_every_error_code_has_words_of_its_own() -> None:
    assert IN_WORDS.keys() == set(ErrorCode)
    assert len(set(IN_WORDS.values())) == len(ErrorCode)
