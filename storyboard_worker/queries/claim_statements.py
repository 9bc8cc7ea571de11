"""The statements of :mod:`storyboard_worker.queries.claims` that run for every image."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Interval,
    Select,
    Text,
    all_,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
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
    IN_GROUP,
    NO_CLAIM,
    NO_ERROR,
    NOW,
    ONE_ATTEMPT_LESS,
    PENDING,
    PROCESSING,
    READY,
    is_alive,
    is_due,
    is_pending,
    is_processing,
    rank_by_priority,
    seconds_between,
    source_upstream,
)
from storyboard_worker.queries.unanswered_claims import MARK_CHARACTERS
from storyboard_worker.storyboard import Claim, Group

rows = storyboards.c

# What a claim gives back, under the names that Claim has for it.
CLAIM_FIELDS = tuple(field.name for field in fields(Claim) if field.name != "received_at")

# The order in which rows are taken: that of the claim index.
RANK: tuple[ColumnElement[Any], ...] = (
    rank_by_priority,
    rows.effective_expires_at,
    rows.available_at,
    rows.id,
)
A_SECOND: ColumnElement[timedelta] = literal_column("interval '1 second'", Interval)
RANK_NAMES = ("rank_1", "rank_2", "rank_3", "rank_4")
RANK_REACHED = tuple(
    cast(bindparam(name, type_=Text), part.type)
    for name, part in zip(RANK_NAMES, RANK, strict=True)
)

# What a completion writes down, under the names of the columns and of StoredImage alike.
IMAGE_COLUMNS = ("cdn_url", "public_id", "asset_id", "format", "width", "height", "bytes", "etag")


@cache
def claim_statement(
    limit: int,
    *,
    group: Group,
    onward: bool = False,
    avoiding: bool = False,
    at_upstream: bool = False,
    passing_over: bool = False,
) -> FixedStatement:
    due = _due(
        limit,
        group=group,
        onward=onward,
        avoiding=avoiding,
        at_upstream=at_upstream,
        passing_over=passing_over,
    )
    return _taking(due.with_for_update(skip_locked=True))


@cache
def candidates_statement(
    limit: int, *, group: Group, avoiding: bool, at_upstream: bool
) -> FixedStatement:
    """The ids of what a claim from the start would take, without taking it."""
    due = _due(
        limit,
        group=group,
        onward=False,
        avoiding=avoiding,
        at_upstream=at_upstream,
        passing_over=True,
    )
    return fixed(due, **ALONG_AN_INDEX)


@cache
def last_rank_statement(*, group: Group, last: bool, beside: bool = False) -> FixedStatement:
    """The rank of the first or the last row of the backlog, due or not, when so many are
    ``left_out``; ``beside`` a rank: of the first from it on, or the last before it."""
    order = [part.desc() for part in RANK] if last else list(RANK)
    chosen = [is_pending, IN_GROUP[group]]
    if beside:
        rank, reached = tuple_(*RANK), tuple_(*RANK_REACHED)
        chosen.append(rank < reached if last else rank >= reached)
    statement = (
        select(*(cast(part, Text) for part in RANK))
        .where(*chosen)
        .order_by(*order)
        .limit(literal_column("1"))
        .offset(bindparam("left_out", type_=Integer))
    )
    return fixed(statement, **ALONG_AN_INDEX)


def _due(
    limit: int, *, group: Group, onward: bool, avoiding: bool, at_upstream: bool, passing_over: bool
) -> Select[Any]:
    chosen: list[ColumnElement[bool]] = [is_pending, IN_GROUP[group], is_due, is_alive]
    if onward:
        chosen.append(tuple_(*RANK) > tuple_(*RANK_REACHED))
    if avoiding:
        chosen.append(source_upstream != all_(bindparam("avoided", type_=ARRAY(Text))))
    if at_upstream:
        chosen.append(source_upstream == bindparam("upstream", type_=Text))
    if passing_over:
        chosen.append(rows.id != all_(bindparam("passed_over", type_=ARRAY(UuidType))))
    return (
        select(rows.id)
        .where(*chosen)
        .order_by(*RANK)
        # A literal: a generic plan would guess a tenth of the table for a bound limit.
        .limit(literal_column(str(int(limit))))
    )


@cache
def claim_one_statement(*, only_due: bool = False) -> FixedStatement:
    chosen = select(rows.id).where(rows.id == bindparam("chosen_id", type_=UuidType), is_pending)
    if only_due:
        chosen = chosen.where(is_due, is_alive)
    return _taking(chosen.with_for_update(skip_locked=True))


def _taking(chosen: Select[Any]) -> FixedStatement:
    # MATERIALIZED: a plain sub-select may be planned as the inner side of a join and run
    # more than once, which claims more rows than the limit.
    due = chosen.cte("due").prefix_with("MATERIALIZED")
    taking = (
        update(storyboards)
        .where(rows.id == due.c.id)
        .values(
            status=PROCESSING,
            attempts=rows.attempts + 1,
            claim_token=_marked_token(),
            claimed_by=bindparam("worker_id", type_=Text),
            claimed_at=NOW,
            lease_expires_at=NOW + bindparam("lease", type_=Interval),
        )
        .returning(
            rows.id,
            rows.claim_token.label("token"),
            rows.source_url,
            rows.attempts.label("attempt"),
            rows.max_attempts,
            seconds_between(rows.source_expires_at, NOW).label("seconds_until_expiry"),
            seconds_between(NOW, rows.available_at).label("seconds_since_due"),
            rows.project_id,
            rows.sentry_trace,
            rows.baggage,
            rows.own_errors,
            rows.workers_lost,
            seconds_between(rows.effective_expires_at, NOW).label("seconds_until_given_up"),
            *(column.label(name) for name, column in zip(RANK_NAMES, RANK, strict=True)),
        )
        .cte("taken")
    )
    rank = [taking.c[name] for name in RANK_NAMES]
    claims = select(
        *(taking.c[name] for name in CLAIM_FIELDS), *(cast(part, Text) for part in rank)
    )
    # The rank travels as text, which must be read as it was written.
    return fixed(claims.order_by(*rank), **ALONG_AN_INDEX)


def _marked_token() -> ColumnElement[Any]:
    """A new uuid that begins with the mark of this claim (see :mod:`.unanswered_claims`)."""
    mark = bindparam("mark", type_=Text)
    random = cast(func.gen_random_uuid(), Text)
    return cast(func.concat(mark, func.substr(random, MARK_CHARACTERS + 1)), UuidType)


@cache
def give_back_lost_statement() -> FixedStatement:
    """processing → pending for the rows of claims whose answer never came; their marks."""
    mark = func.substr(cast(rows.claim_token, Text), 1, MARK_CHARACTERS)
    lost = (
        select(rows.id, mark.label("mark"))
        .where(
            is_processing,
            rows.claimed_by == bindparam("worker_id", type_=Text),
            mark == any_(bindparam("marks", type_=ARRAY(Text))),
        )
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
def give_back_statement() -> FixedStatement:
    """processing → pending for the rows with these tokens, attempts given back; their ids. In one
    message: what is silent in between must not keep a lock on them."""
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
def lost_marks_statement() -> FixedStatement:
    """Which of the marks still stand on rows."""
    mark = func.substr(cast(rows.claim_token, Text), 1, MARK_CHARACTERS)
    statement = select(mark).where(
        is_processing,
        rows.claimed_by == bindparam("worker_id", type_=Text),
        mark == any_(bindparam("marks", type_=ARRAY(Text))),
    )
    return fixed(statement, **ALONG_AN_INDEX)


@cache
def complete_statement() -> FixedStatement:
    # As one text: to write ten arrays of values takes psycopg several times as long.
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
    # One row in a producer's long transaction must not hold up all the others.
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
    return select(rows.claim_token).where(rows.claim_token.in_(tokens), rows.status == PROCESSING)


def shown_images(images: Sequence[tuple[UUID, str]]) -> Select[Any]:
    """Which of these rows show these pictures; each upload has a URL of its own."""
    return select(rows.id).where(rows.status == READY, tuple_(rows.id, rows.cdn_url).in_(images))
