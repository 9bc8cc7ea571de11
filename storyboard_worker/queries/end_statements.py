"""The statements that end claims: a row is ready, or goes back to the queue unharmed."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storyboard_worker.database.one_round_trip import FixedStatement, fixed
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    NO_CLAIM,
    NO_ERROR,
    ONE_ATTEMPT_LESS,
    PENDING,
    PROCESSING,
    READY,
    is_processing,
)
from storyboard_worker.queries.unanswered_claims import MARK_CHARACTERS

rows = storyboards.c

# What a completion writes: columns of the table and, under the same names, fields of StoredImage.
IMAGE_COLUMNS = ("cdn_url", "public_id", "asset_id", "format", "width", "height", "bytes", "etag")

# The mark of the claim that a row belongs to, see :mod:`.unanswered_claims`.
MARK: ColumnElement[str] = func.substr(cast(rows.claim_token, Text), 1, MARK_CHARACTERS)


@cache
def give_back_statement() -> FixedStatement:
    """processing → pending for the rows with these ``tokens``, attempts given back; their ids.

    It travels as one message, so a connection that falls silent keeps no lock on the rows.
    """
    free = (
        select(rows.id)
        .where(
            is_processing,
            rows.claim_token == any_(bindparam("tokens", type_=ARRAY(UuidType))),
        )
        .with_for_update(skip_locked=True)
        .cte("free")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(storyboards)
        .where(rows.id == free.c.id)
        .values(status=PENDING, attempts=ONE_ATTEMPT_LESS, **NO_CLAIM)
        .returning(rows.id)
    )
    return fixed(statement, **ALONG_AN_INDEX)


@cache
def give_back_lost_statement() -> FixedStatement:
    """processing → pending for the rows of unanswered claims, attempts given back.

    Takes ``marks`` and ``worker_id``. Answers with the mark of each row given back.
    """
    lost = (
        select(rows.id, MARK.label("mark"))
        .where(*_is_marked())
        .with_for_update(skip_locked=True)
        .cte("lost")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(storyboards)
        .where(rows.id == lost.c.id)
        .values(status=PENDING, attempts=ONE_ATTEMPT_LESS, **NO_CLAIM)
        .returning(lost.c.mark)
    )
    return fixed(statement, **ALONG_AN_INDEX)


@cache
def lost_marks_statement() -> FixedStatement:
    """Which of the ``marks`` still stand on rows of the worker ``worker_id``."""
    return fixed(select(MARK).where(*_is_marked()), **ALONG_AN_INDEX)


def _is_marked() -> tuple[ColumnElement[bool], ...]:
    return (
        is_processing,
        rows.claimed_by == bindparam("worker_id", type_=Text),
        any_(bindparam("marks", type_=ARRAY(Text))) == MARK,
    )


@cache
def complete_statement() -> FixedStatement:
    """processing → ready for the claims in ``done``, a JSON text; answers with their tokens.

    A row that another transaction has locked is skipped.
    """
    # One text, because psycopg takes several times as long to write ten arrays of values.
    done = (
        func.jsonb_to_recordset(cast(bindparam("done", type_=Text), JSONB))
        .table_valued(
            column("id", UuidType),
            column("token", UuidType),
            *(column(name, rows[name].type) for name in IMAGE_COLUMNS),
        )
        .render_derived(name="done", with_types=True)
    )
    ours = and_(rows.id == done.c.id, rows.claim_token == done.c.token)
    # A row locked by a producer's long transaction must not delay the others.
    held = (
        select(rows.id)
        .select_from(storyboards.join(done, ours))
        .with_for_update(skip_locked=True, of=storyboards)
        .cte("held")
        .prefix_with("MATERIALIZED")
    )
    completion = (
        update(storyboards)
        .where(ours, rows.id == held.c.id)
        .values(
            status=READY,
            **{name: done.c[name] for name in IMAGE_COLUMNS},
            **NO_ERROR,
            **NO_CLAIM,
        )
        .returning(done.c.token)
    )
    return fixed(completion)


def held_tokens(tokens: Sequence[UUID]) -> Select[Any]:
    """Which of these claims are still held."""
    return select(rows.claim_token).where(rows.claim_token.in_(tokens), rows.status == PROCESSING)


def shown_images(images: Sequence[tuple[UUID, str]]) -> Select[Any]:
    """The ids of the rows that show these pictures, given as id and URL.

    Every upload has its own URL, so such a row was completed with exactly this upload.
    """
    return select(rows.id).where(rows.status == READY, tuple_(rows.id, rows.cdn_url).in_(images))
