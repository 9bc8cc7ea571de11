"""The statements that give rows back to the queue unharmed."""

from functools import cache

from sqlalchemy import ColumnElement, Text, any_, bindparam, cast, func, select, update
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    NO_CLAIM,
    ONE_ATTEMPT_LESS,
    PENDING,
    is_processing,
)
from storyboard_worker.queries.unanswered_claims import MARK_CHARACTERS

rows = storyboards.c

# The mark of the claim that a row belongs to, see :mod:`.unanswered_claims`.
MARK: ColumnElement[str] = func.substr(cast(rows.claim_token, Text), 1, MARK_CHARACTERS)


@cache
def give_back_statement() -> FixedStatement:
    """processing → pending for the rows with these ``tokens``, attempts given back; the tokens
    of those that went back. A row that another transaction has locked is skipped.

    It travels as one message, so a connection that falls silent keeps no lock on the rows.
    """
    free = (
        select(rows.id, rows.claim_token)
        .where(*_is_claimed())
        .with_for_update(skip_locked=True)
        .cte("free")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(storyboards)
        .where(rows.id == free.c.id)
        .values(status=PENDING, attempts=ONE_ATTEMPT_LESS, **NO_CLAIM)
        .returning(free.c.claim_token)
    )
    return fixed(statement, **ALONG_AN_INDEX)


@cache
def still_held_statement() -> FixedStatement:
    """Which of the ``tokens`` still stand on rows."""
    return fixed(select(rows.claim_token).where(*_is_claimed()), **ALONG_AN_INDEX)


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


def _is_claimed() -> tuple[ColumnElement[bool], ...]:
    return (
        is_processing,
        rows.claim_token == any_(bindparam("tokens", type_=ARRAY(UuidType))),
    )


def _is_marked() -> tuple[ColumnElement[bool], ...]:
    return (
        is_processing,
        rows.claimed_by == bindparam("worker_id", type_=Text),
        any_(bindparam("marks", type_=ARRAY(Text))) == MARK,
    )
