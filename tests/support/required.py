"""Programs that a machine may lack: their tests are skipped there, but not in ``.ci/run``."""

import os
from typing import NoReturn

import pytest

# `.ci/run` sets it, because it has installed what the tests need.
NOTHING_MAY_BE_MISSING = "TESTS_NEED_EVERYTHING"


def missing(reason: str) -> NoReturn:
    """Skips the test, or fails it where nothing may be missing."""
    if os.environ.get(NOTHING_MAY_BE_MISSING):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
