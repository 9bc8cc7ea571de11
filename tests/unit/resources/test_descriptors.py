"""The number of descriptors that a worker needs, and that it may have."""

import resource

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.descriptors import (
    BESIDE_SLOTS,
    FOR_A_SLOT,
    FOR_HTTP,
    look,
    raise_limit,
)

Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """Pretended limits of this process. The last pair is the one in force; none is really set."""
    found: list[Limits] = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limits: found.append(limits))
    return found


def needed(slots: int) -> int:
    return BESIDE_SLOTS + FOR_A_SLOT * slots


def test_enough_is_left_as_it_is(limits: list[Limits]) -> None:
    assert raise_limit(16, serves_http=True).are_enough
    assert limits == [(1024, 4096)]


def test_the_soft_limit_is_raised_to_what_is_needed(limits: list[Limits]) -> None:
    found = raise_limit(500, serves_http=False)
    assert found.are_enough
    assert limits[-1] == (needed(500), 4096)


def test_the_soft_limit_is_raised_at_most_to_the_hard_one(limits: list[Limits]) -> None:
    limits.append((256, 300))
    found = raise_limit(100, serves_http=False)
    assert limits[-1] == (300, 300)
    assert not found.are_enough
    assert found.shortage == "the limit of 300 open files is below the 340 that may be needed"
    assert found.fix.startswith("set WORKER_CONCURRENCY=86, or raise the limit of open files")
    assert look(86, serves_http=False).are_enough
    assert not look(87, serves_http=False).are_enough


def test_http_needs_some_for_its_clients(limits: list[Limits]) -> None:
    limits.append((needed(16) + FOR_HTTP - 1,) * 2)
    assert look(16, serves_http=False).are_enough
    assert not look(16, serves_http=True).are_enough


def test_reading_the_limits_changes_nothing(limits: list[Limits]) -> None:
    assert look(500, serves_http=False).are_enough
    assert limits == [(1024, 4096)]


def test_where_not_even_one_slot_can_work_the_setting_is_wrong(limits: list[Limits]) -> None:
    limits.append((10, 10))
    with pytest.raises(SettingsError, match=r"^WORKER_CONCURRENCY=16 .* limit of 10 open files"):
        raise_limit(16, serves_http=False)
