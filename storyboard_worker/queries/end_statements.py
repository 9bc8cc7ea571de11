"""The statements that end claims: a row is ready, waits for another attempt, or has failed."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnClause,
    Double,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB

from storyboard_worker.database.fixed_statement import FixedStatement, kept
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import (
    ACQUITTED,
    ALONG_AN_INDEX,
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    NOW,
    ONE_ATTEMPT_LESS,
    PENDING,
    PROCESSING,
    READY,
    is_one_of,
    own_errors_kept,
)
from storyboard_worker.queries.ends import Transition

rows = storyboards.c

# What a completion writes: columns of the table and, under the same names, fields of StoredImage.
IMAGE_COLUMNS = ("cdn_url", "public_id", "asset_id", "format", "width", "height", "bytes", "etag")
ERROR_COLUMNS = ("error_code", "error_message", "sentry_event_id")


@cache
def complete_statement() -> FixedStatement:
    """processing → ready for the claims in ``ended``, a JSON text; answers with their tokens.

    A row that another transaction has locked is skipped.
    """
    ended = _records(*(column(name, rows[name].type) for name in IMAGE_COLUMNS))
    images = {name: ended.c[name] for name in IMAGE_COLUMNS}
    return _end(ended, {"status": READY, **images, **NO_ERROR})


@cache
def end_with_error_statement() -> FixedStatement:
    """processing → pending or failed for the claims in ``ended``, a JSON text, each by its
    transition; answers with their tokens.

    A row that another transaction has locked is skipped.
    """
    ended = _records(
        column("transition", Text),
        column("delay_seconds", Double),
        column("own_errors", Integer),
        *(column(name, rows[name].type) for name in ERROR_COLUMNS),
    )
    errors = {name: ended.c[name] for name in ERROR_COLUMNS}
    return _end(ended, {**_by_transition(ended), **errors, "errored_at": NOW})


def _by_transition(ended: CTE) -> dict[str, Any]:
    """The columns that depend on the transition. Where it does not set one, that stays."""
    later = NOW + ended.c.delay_seconds * literal_column("interval '1 second'")
    own_errors = own_errors_kept + ended.c.own_errors
    columns: dict[Transition, dict[str, Any]] = {
        Transition.RETRY: {
            "status": PENDING,
            "available_at": later,
            **ACQUITTED,
            "own_errors": own_errors,
        },
        Transition.RELEASE: {
            "status": PENDING,
            "available_at": later,
            "attempts": ONE_ATTEMPT_LESS,
        },
        Transition.FAIL: {"status": FAILED},
    }
    return {
        name: case(
            *(
                (ended.c.transition == literal_column(f"'{transition}'"), values[name])
                for transition, values in columns.items()
                if name in values
            ),
            else_=rows[name],
        )
        for name in dict.fromkeys(name for values in columns.values() for name in values)
    }


def _records(*facts: ColumnClause[Any]) -> CTE:
    """The claims that end, each with its id, its token and these ``facts``."""
    # One text, because psycopg takes several times as long to write ten arrays of values.
    records = (
        func.jsonb_to_recordset(cast(bindparam("ended", type_=Text), JSONB))
        .table_valued(column("id", UuidType), column("token", UuidType), *facts)
        .render_derived(name="record", with_types=True)
    )
    return select(*records.c).cte("ended").prefix_with("MATERIALIZED")


def _end(ended: CTE, values: dict[str, Any]) -> FixedStatement:
    """Write ``values`` where the token shows that the row is still ours."""
    # A row locked by a producer's long transaction must not delay the others.
    held = (
        select(rows.id)
        .where(is_one_of(rows.id, ended.c.id), is_one_of(rows.claim_token, ended.c.token))
        .with_for_update(skip_locked=True)
        .cte("held")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(storyboards)
        .where(
            rows.id == ended.c.id, rows.claim_token == ended.c.token, is_one_of(rows.id, held.c.id)
        )
        .values(**values, **NO_CLAIM)
        .returning(ended.c.token)
    )
    return kept(statement, **ALONG_AN_INDEX)


def held_tokens(tokens: Sequence[UUID]) -> Select[Any]:
    """Which of these claims are still held."""
    return select(rows.claim_token).where(rows.claim_token.in_(tokens), rows.status == PROCESSING)


def shown_images(images: Sequence[tuple[UUID, str]]) -> Select[Any]:
    """The ids of the rows that show these pictures, given as id and URL.

    Every upload has its own URL, so such a row was completed with exactly this upload.
    """
    return select(rows.id).where(rows.status == READY, tuple_(rows.id, rows.cdn_url).in_(images))
