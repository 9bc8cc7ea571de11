"""CHECKs make half-states impossible for every writer."""

from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    CLAIM,
    ERROR,
    FAILED,
    NO_CLAIM,
    OUTCOME,
    PENDING,
    PROCESSING,
    READY,
    change,
    enqueue,
    only,
    storyboard,
)

HALF_STATES: list[tuple[dict[str, Any], str]] = [
    ({"status": "done"}, "status"),
    ({"status": "PENDING"}, "status"),
    *(({**PROCESSING, name: None}, "claim") for name in CLAIM),
    ({**READY, "cdn_url": None}, "outcome"),
    ({"status": "ready"}, "outcome"),
    *(({**PENDING, name: value}, "outcome") for name, value in OUTCOME.items()),
    ({**PROCESSING, "cdn_url": OUTCOME["cdn_url"]}, "outcome"),
    ({**FAILED, "cdn_url": OUTCOME["cdn_url"]}, "outcome"),
    *(({**READY, name: value}, "error") for name, value in ERROR.items()),
    ({**FAILED, "error_code": None}, "error"),
    ({**FAILED, "errored_at": None}, "error"),
    ({"attempts": -1}, "attempts"),
    ({"max_attempts": 0}, "attempts"),
    ({"max_attempts": -3}, "attempts"),
]


@pytest.mark.parametrize(("columns", "check"), HALF_STATES)
def test_no_insert_makes_one(
    producer: psycopg.Connection, columns: dict[str, Any], check: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=f"storyboards_{check}_check"):
        enqueue(producer, **columns)


@pytest.mark.parametrize(
    ("state", "columns", "check"),
    [
        (PENDING, {"status": "processing"}, "claim"),
        (PENDING, {"status": "ready"}, "outcome"),
        (PENDING, {"status": "failed"}, "error"),
        (PENDING, {"cdn_url": "https://cdn.example/x.jpg"}, "outcome"),
        (PROCESSING, {"claim_token": None}, "claim"),
        (PROCESSING, {"lease_expires_at": None}, "claim"),
        (READY, {"cdn_url": None}, "outcome"),
        (READY, {"error_code": "unexpected"}, "error"),
        (READY, {"finished_at": None}, "finished"),
        (FAILED, {"error_code": None}, "error"),
        (FAILED, {"finished_at": None}, "finished"),
        (PENDING, {"attempts": -1}, "attempts"),
    ],
)
def test_no_update_makes_one(
    producer: psycopg.Connection, state: dict[str, Any], columns: dict[str, Any], check: str
) -> None:
    storyboard_id = enqueue(producer, **state)
    before = storyboard(producer, storyboard_id)
    with pytest.raises(psycopg.errors.CheckViolation, match=f"storyboards_{check}_check"):
        change(producer, storyboard_id, **columns)
    assert storyboard(producer, storyboard_id) == before


@pytest.mark.parametrize("state", [PENDING, READY, FAILED], ids=["pending", "ready", "failed"])
def test_a_claim_without_a_holder_is_dropped(
    producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    row = storyboard(producer, enqueue(producer, **state, **CLAIM))
    assert only(row, NO_CLAIM) == NO_CLAIM


@pytest.mark.parametrize("state", [PENDING, PROCESSING, READY, FAILED])
def test_whole_states_are_accepted(producer: psycopg.Connection, state: dict[str, Any]) -> None:
    assert only(storyboard(producer, enqueue(producer, **state)), state) == state


@pytest.mark.parametrize("optional", ["public_id", "asset_id", "width", "bytes", "etag"])
def test_a_ready_row_needs_only_its_cdn_url(producer: psycopg.Connection, optional: str) -> None:
    row = storyboard(producer, enqueue(producer, **{**READY, optional: None}))
    assert row["status"] == "ready"
    assert row[optional] is None
