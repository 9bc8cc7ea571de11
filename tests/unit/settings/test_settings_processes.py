"""PROCESSES beside WORKER_CONCURRENCY, which the processes share."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.cores import usable_cores
from storyboard_worker.settings.reading import read_settings


def processes(raw: str, concurrency: str = "16") -> int:
    variables = {
        "DATABASE_URL": "embedded",
        "PROCESSES": raw,
        "WORKER_CONCURRENCY": concurrency,
    }
    return read_settings(variables).processes


def test_each_needs_a_slot() -> None:
    assert processes("3", "3") == 3
    with pytest.raises(SettingsError, match=r"^PROCESSES .* up to 3 \(WORKER_CONCURRENCY"):
        processes("4", "3")


def test_auto_is_one_for_each_core_and_never_more_than_slots() -> None:
    assert processes("auto", "1000") == usable_cores()
    assert processes("auto", "1") == 1


@pytest.mark.parametrize("raw", ["0", "-1", "1.5", "all", "9" * 5000])
def test_anything_else_is_refused(raw: str) -> None:
    with pytest.raises(SettingsError, match=r"^PROCESSES must be .*, or auto: one for each core$"):
        processes(raw)
