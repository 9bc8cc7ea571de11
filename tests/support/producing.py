"""The statements of producers, in plain SQL."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

URL = "https://images.example/panel.jpeg"
OTHER_URL = "https://images.example/another-panel.jpeg"

A_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

CLAIM: dict[str, Any] = {
    "claim_token": UUID("11111111-1111-4111-8111-111111111111"),
    "claimed_by": "worker-1",
    "claimed_at": A_MOMENT,
    "lease_expires_at": A_MOMENT,
}
OUTCOME: dict[str, Any] = {
    "cdn_url": "https://cdn.example/panel.jpg",
    "public_id": "storyboards/panel",
    "asset_id": "asset",
    "format": "jpg",
    "width": 1024,
    "height": 576,
    "bytes": 123_456,
    "etag": "d41d8cd98f00b204e9800998ecf8427e",
}
ERROR: dict[str, Any] = {
    "error_code": "source_timeout",
    "error_message": "no byte within 30 s",
    "errored_at": A_MOMENT,
    "sentry_event_id": "0123456789abcdef0123456789abcdef",
}
NO_CLAIM = dict.fromkeys(CLAIM)
NO_OUTCOME = dict.fromkeys(OUTCOME)
NO_ERROR = dict.fromkeys(ERROR)

# A row in each status, with every column that the status may have.
PENDING: dict[str, Any] = {"status": "pending", "attempts": 0}
WAITING: dict[str, Any] = {"status": "pending", "attempts": 2, **ERROR}
PROCESSING: dict[str, Any] = {"status": "processing", "attempts": 3, **CLAIM, **ERROR}
READY: dict[str, Any] = {"status": "ready", "attempts": 1, **OUTCOME}
FAILED: dict[str, Any] = {"status": "failed", "attempts": 8, **ERROR}


def enqueue(producer: psycopg.Connection, source_url: str = URL, **columns: Any) -> UUID:
    """INSERT; returns the id."""
    given = {"source_url": source_url, **columns}
    statement = sql.SQL("INSERT INTO storyboards ({}) VALUES ({}) RETURNING id").format(
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(map(sql.Placeholder, given)),
    )
    row = producer.execute(statement, given).fetchone()
    assert row is not None
    storyboard_id: UUID = row[0]
    return storyboard_id


def change(producer: psycopg.Connection, storyboard_id: UUID, **columns: Any) -> dict[str, Any]:
    """UPDATE … RETURNING *; returns the row under its column names."""
    statement = sql.SQL("UPDATE storyboards SET {} WHERE id = {} RETURNING *").format(
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in columns
        ),
        storyboard_id,
    )
    with producer.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(statement, columns).fetchone()
    assert row is not None
    return row


def delete(producer: psycopg.Connection, storyboard_id: UUID) -> None:
    producer.execute("DELETE FROM storyboards WHERE id = %s", [storyboard_id])


def storyboard(producer: psycopg.Connection, storyboard_id: UUID) -> dict[str, Any]:
    """The row under its column names."""
    with producer.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM storyboards WHERE id = %s", [storyboard_id])
        row = cursor.fetchone()
    assert row is not None
    return row


def written_by(producer: psycopg.Connection, storyboard_id: UUID) -> int:
    """The transaction that wrote the row in its present form."""
    row = producer.execute(
        "SELECT xmin::text::bigint FROM storyboards WHERE id = %s", [storyboard_id]
    ).fetchone()
    assert row is not None
    return int(row[0])


def moment(producer: psycopg.Connection, seconds: float = 0) -> datetime:
    """A moment so many seconds from now, by the database's clock."""
    row = producer.execute("SELECT clock_timestamp() + make_interval(secs => %s)", [seconds])
    found = row.fetchone()
    assert found is not None
    when: datetime = found[0]
    return when


def only(row: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
    """``row`` reduced to the columns named, to be compared with them."""
    return {name: row[name] for name in columns}


def another_claim() -> dict[str, Any]:
    return {**CLAIM, "claim_token": uuid4()}
