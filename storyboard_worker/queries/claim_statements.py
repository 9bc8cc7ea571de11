"""The statements that claim rows, and those that look where in the backlog to claim."""

from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    Select,
    Text,
    all_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database.fixed_statement import FixedStatement, fixed, kept
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import (
    ALONG_AN_INDEX,
    IN_GROUP,
    IN_INDEX_ORDER,
    NOW,
    PROCESSING,
    is_alive,
    is_due,
    is_one_of,
    is_pending,
    place_in,
    rank_by_priority,
    seconds_between,
    source_upstream,
)
from storyboard_worker.queries.unanswered_claims import MARK_CHARACTERS
from storyboard_worker.storyboard import Claim, Group

rows = storyboards.c

# What the statement of a claim answers with, under the names of Claim's fields.
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

# One statement serves all limits up to this.
LEAST_CEILING = 16


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    """By what a claim chooses rows. Their values are bound when the statement runs.

    ``avoiding``: without the upstreams in ``avoided``. ``at_upstream``: only rows of ``upstream``.
    ``passing_over``: without the rows in ``passed_over``.
    """

    group: Group
    avoiding: bool = False
    at_upstream: bool = False
    passing_over: bool = False

    @property
    def is_usual(self) -> bool:
        """No upstream is in trouble, and no row."""
        return not (self.avoiding or self.at_upstream or self.passing_over)

    def conditions(self) -> list[ColumnElement[bool]]:
        chosen: list[ColumnElement[bool]] = [is_pending, IN_GROUP[self.group], is_due, is_alive]
        if self.avoiding:
            chosen.append(source_upstream != all_(bindparam("avoided", type_=ARRAY(Text))))
        if self.at_upstream:
            chosen.append(source_upstream == bindparam("upstream", type_=Text))
        if self.passing_over:
            chosen.append(rows.id != all_(bindparam("passed_over", type_=ARRAY(UuidType))))
        return chosen


def claim_statement(limit: int, which: ClaimFilter, *, onward: bool = False) -> FixedStatement:
    """pending → processing for the first due rows, in the order of :data:`RANK`.

    So many as are bound as ``limit``, which is at most what it is called with here. ``onward``:
    only rows behind a rank, which is bound under :data:`RANK_NAMES`.
    """
    return _claim_statement(_ceiling(limit), which, onward=onward)


def _ceiling(limit: int) -> int:
    """A power of two, so that a few statements serve any limit."""
    return max(LEAST_CEILING, 1 << (limit - 1).bit_length())


@cache
def _claim_statement(ceiling: int, which: ClaimFilter, *, onward: bool) -> FixedStatement:
    locked = (
        _due(which, onward=onward)
        .limit(bindparam("limit", type_=BigInteger))
        .with_for_update(skip_locked=True)
        .subquery("locked")
    )
    # A literal: for a bound limit alone a generic plan would guess a tenth of the table.
    due = select(locked.c.id).limit(_number(ceiling))
    return (kept if which.is_usual else fixed)(_taking(due), **IN_INDEX_ORDER)


@cache
def candidates_statement(limit: int, which: ClaimFilter) -> FixedStatement:
    """The ids of the rows that a claim from the start would take. It takes none."""
    due = _due(which, onward=False).limit(_number(limit))
    return fixed(due, **ALONG_AN_INDEX)


@cache
def last_rank_statement(*, group: Group, last: bool, beside: bool = False) -> FixedStatement:
    """The rank of the first or the last row of the backlog, due or not.

    So many rows as ``left_out`` says are skipped at that end. With ``beside`` a rank is bound: the
    first row is then the first from that rank on, the last row the last before it.
    """
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


def _due(which: ClaimFilter, *, onward: bool) -> Select[Any]:
    chosen = which.conditions()
    if onward:
        chosen.append(tuple_(*RANK) > tuple_(*RANK_REACHED))
    return select(rows.id).where(*chosen).order_by(*RANK)


def _number(number: int) -> ColumnElement[int]:
    return literal_column(str(int(number)))


@cache
def claim_one_statement(*, only_due: bool = False) -> FixedStatement:
    """pending → processing for the row ``chosen_id``. ``only_due``: if it is due and alive."""
    chosen = select(rows.id).where(rows.id == bindparam("chosen_id", type_=UuidType), is_pending)
    if only_due:
        chosen = chosen.where(is_due, is_alive)
    return fixed(_taking(chosen.with_for_update(skip_locked=True)), **IN_INDEX_ORDER)


def _taking(chosen: Select[Any]) -> Select[Any]:
    """The columns are those of :data:`CLAIM_FIELDS`, the rank as text, and the place in the order
    of ``chosen``. The rows come in no order: then the server has nothing to sort.
    """
    # MATERIALIZED: a plain sub-select may be planned as the inner side of a join and run
    # more than once, which claims more rows than the limit.
    due = chosen.cte("due").prefix_with("MATERIALIZED")
    taken = (
        update(storyboards)
        .where(is_one_of(rows.id, due.c.id))
        .values(
            status=PROCESSING,
            attempts=rows.attempts + 1,
            claim_token=_marked_token(),
            claimed_by=bindparam("worker_id", type_=Text),
            claimed_at=NOW,
            lease_expires_at=NOW + bindparam("lease", type_=Interval),
        )
        .returning(*_claimed_columns(), place_in(due.c.id, rows.id).label("place"))
        .cte("taken")
    )
    # The rank travels as text. The next claim sends it back unchanged.
    rank = (cast(taken.c[name], Text) for name in RANK_NAMES)
    return select(*(taken.c[name] for name in CLAIM_FIELDS), *rank, taken.c.place)


def _claimed_columns() -> tuple[ColumnElement[Any], ...]:
    """The fields of :class:`Claim`, then the rank."""
    return (
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
        *(part.label(name) for name, part in zip(RANK_NAMES, RANK, strict=True)),
    )


def _marked_token() -> ColumnElement[Any]:
    """A new uuid that begins with the mark of this claim (see :mod:`.unanswered_claims`)."""
    mark = bindparam("mark", type_=Text)
    random = cast(func.gen_random_uuid(), Text)
    return cast(func.concat(mark, func.substr(random, MARK_CHARACTERS + 1)), UuidType)
