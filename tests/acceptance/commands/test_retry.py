"""``retry``."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.panels import all_rows
from tests.support.producing import FAILED, NO_ERROR, PENDING, READY, enqueue, only, storyboard
from tests.support.running_command import StoryboardWorker

Fail = Callable[..., UUID]


@pytest.fixture
def fail(producer: psycopg.Connection) -> Fail:
    """A failed row. It failed ``hours_ago``."""

    def fail(hours_ago: float = 0, **columns: Any) -> UUID:
        errored_at = datetime.now(UTC) - timedelta(hours=hours_ago)
        return enqueue(producer, **{**FAILED, "errored_at": errored_at, **columns})

    return fail


def put_back(producer: psycopg.Connection) -> set[UUID]:
    return {row["id"] for row in all_rows(producer) if row["status"] == "pending"}


def test_puts_named_rows_back_afresh(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, fail: Fail
) -> None:
    named, other = fail(), fail()

    retried = storyboard_worker("retry", named)

    assert (retried.code, retried.out) == (0, f"{named}\n")
    assert retried.err == "1 put back\n"
    assert put_back(producer) == {named}
    fresh = {**PENDING, **NO_ERROR}
    assert only(storyboard(producer, named), fresh) == fresh
    assert storyboard(producer, other)["status"] == "failed"


def test_json_holds_count_and_ids(storyboard_worker: StoryboardWorker, fail: Fail) -> None:
    ids = {str(fail()), str(fail())}

    retried = storyboard_worker("retry", "--all-failed", "--json")

    assert retried.code == 0
    assert retried.json.keys() == {"retried", "ids"}
    assert retried.json["retried"] == 2
    assert set(retried.json["ids"]) == ids


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--all-failed", "--since", "2h"], {"recent", "rotten"}),
        (["--error-code", "source_timeout", "--since", "90m"], {"recent"}),
        (["--all-failed", "--project", "Großes Projekt"], {"rotten"}),
    ],
)
def test_filters_narrow_down_and_a_dry_run_changes_nothing(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    fail: Fail,
    arguments: list[str],
    expected: set[str],
) -> None:
    rows = {
        "old": fail(hours_ago=3),
        "recent": fail(hours_ago=1),
        "rotten": fail(error_code="image_invalid", project_id="Großes Projekt"),
    }
    before = all_rows(producer)
    ids = {rows[name] for name in expected}

    dry = storyboard_worker("retry", *arguments, "--dry-run", "--json")
    assert dry.code == 0, dry.shown()
    assert {UUID(id_) for id_ in dry.json["ids"]} == ids
    assert all_rows(producer) == before

    done = storyboard_worker("retry", *arguments, "--json")
    assert {UUID(id_) for id_ in done.json["ids"]} == put_back(producer) == ids


def test_a_dry_run_shows_how_many_of_each_cause(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, fail: Fail
) -> None:
    ids = [fail(hours_ago=3), fail(hours_ago=2), fail(hours_ago=1, error_code="image_invalid")]
    host = storyboard(producer, ids[0])["source_url"].split("/")[2]

    dry = storyboard_worker("retry", "--all-failed", "--dry-run")

    assert dry.out.split() == [str(id_) for id_ in ids]
    assert dry.err.splitlines() == [
        "3 would be put back",
        f"1 image_invalid at {host}",
        f"2 source_timeout at {host}",
    ]
    assert put_back(producer) == set()


def test_a_row_that_has_not_failed_is_left_and_named(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, fail: Fail
) -> None:
    failed, ready = fail(hours_ago=5), enqueue(producer, **READY)

    retried = storyboard_worker("retry", failed, ready)
    assert retried.code == 1
    assert retried.out == f"{failed}\n"
    assert f"Error: storyboard {ready} was not put back: it is ready" in retried.error_lines
    assert storyboard(producer, ready)["cdn_url"] == READY["cdn_url"]

    left_out = storyboard_worker("retry", fail(hours_ago=5), "--since", "1h")
    assert left_out.code == 1
    assert "was not put back: --since or --project leaves it out" in left_out.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--since", "2h"],
        ["--all-failed", "--error-code", "unexpected"],
        ["5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a", "--all-failed"],
    ],
)
def test_rows_must_be_chosen_in_exactly_one_way(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    fail: Fail,
    arguments: list[str],
) -> None:
    fail()

    refused = storyboard_worker("retry", *arguments)

    assert refused.code == 2
    assert refused.out == ""
    assert "say which: ID..., or --error-code CODE, or --all-failed" in refused.err
    assert put_back(producer) == set()


def test_a_row_whose_url_is_too_long_stays_and_holds_up_no_other(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, fail: Fail
) -> None:
    """Such rows may exist from before the limit."""
    too_long = fail(source_url=f"https://images.example/{'a' * 16_400}")
    host_too_long = fail(source_url=f"https://{'a' * 254}/")
    other = fail()

    retried = storyboard_worker("retry", "--all-failed")
    named = storyboard_worker("retry", too_long, host_too_long)

    assert (retried.code, retried.out) == (0, f"{other}\n")
    assert put_back(producer) == {other}
    assert (named.code, named.out) == (1, "")
    reason = "was not put back: its source_url is too long to be tried again"
    assert named.err.count(reason) == 2
