"""The view ``storyboard_progress``: the message for the person who waits."""

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from storyboard_worker.errors import ErrorCode
from tests.support.producing import (
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    WAITING,
    enqueue,
    storyboard,
)

IN_WORK = "Storyboard is being processed, please refresh in a few minutes"
DONE = "Storyboard is ready"
LINK_DEAD = "This link has expired, please generate the image again"
IMAGE_BAD = "This image cannot be used, please generate it again"
TRY_AGAIN = "Download failed, click to retry"

MESSAGES = {
    ErrorCode.SOURCE_EXPIRED: LINK_DEAD,
    ErrorCode.SOURCE_NOT_FOUND: LINK_DEAD,
    ErrorCode.SOURCE_BLOCKED: IMAGE_BAD,
    ErrorCode.SOURCE_REJECTED: IMAGE_BAD,
    ErrorCode.IMAGE_INVALID: IMAGE_BAD,
    ErrorCode.IMAGE_TOO_LARGE: IMAGE_BAD,
    ErrorCode.STORAGE_REJECTED: IMAGE_BAD,
}


def progress(producer: psycopg.Connection) -> list[dict[str, Any]]:
    with producer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboard_progress").fetchall()


@pytest.mark.parametrize("role", [None, "service_role"])
def test_every_error_code_of_a_failed_row(producer: psycopg.Connection, role: str | None) -> None:
    codes = [*map(str, ErrorCode), "a_code_of_a_later_version"]
    for code in codes:
        enqueue(producer, **{**FAILED, "error_code": code})
    if role:
        producer.execute(f"SET ROLE {role}")
    shown = {row["error_code"]: (row["message"], row["can_retry"]) for row in progress(producer)}
    messages: dict[str, str] = {str(code): text for code, text in MESSAGES.items()}
    assert shown == {code: (messages.get(code, TRY_AGAIN), code not in messages) for code in codes}


@pytest.mark.parametrize("role", [None, "service_role"])
@pytest.mark.parametrize(
    ("state", "message"),
    [(PENDING, IN_WORK), (WAITING, IN_WORK), (PROCESSING, IN_WORK), (READY, DONE)],
    ids=["pending", "waiting", "processing", "ready"],
)
def test_every_other_status(
    producer: psycopg.Connection, role: str | None, state: dict[str, Any], message: str
) -> None:
    enqueue(producer, **state)
    if role:
        producer.execute(f"SET ROLE {role}")
    [row] = progress(producer)
    assert row["message"] == message
    assert row["can_retry"] is False


def test_the_other_columns_are_the_rows(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **READY, project_id="p", position=3)
    row = storyboard(producer, storyboard_id)
    [shown] = progress(producer)
    assert list(shown) == [
        "id",
        "project_id",
        "position",
        "status",
        "cdn_url",
        "message",
        "can_retry",
        "error_code",
        "updated_at",
        "picture_url",
    ]
    assert {name: shown[name] for name in shown if name in row} == {
        name: row[name] for name in shown if name in row
    }
