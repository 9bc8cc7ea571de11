"""The life of a row in a worker's hands: claim, renew, and the four ends of a claim.

Every write after the claim says ``WHERE id = … AND claim_token = …``. Status, id or attempt
number are not enough: only the token tells a worker whose lease ran out that the row now
belongs to somebody else, or to a newer image.
"""

import json
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import args_row, scalar_row
from sqlalchemy import (
    ColumnElement,
    Update,
    and_,
    column,
    func,
    or_,
    select,
    update,
    values,
)
from sqlalchemy import Uuid as UuidType

from storyboard_worker.database import Database, FixedStatement
from storyboard_worker.errors import (
    AttemptError,
    DatabaseUnavailable,
    LeaseLost,
    StoryboardWorkerError,
)
from storyboard_worker.group_commit import GroupCommit
from storyboard_worker.models import Claim, StoredImage, storyboards
from storyboard_worker.queries.claim_statements import (
    IMAGE_COLUMNS,
    RANK,
    RANK_NAMES,
    claim_one_statement,
    claim_statement,
    complete_statement,
    held_tokens,
)
from storyboard_worker.queries.columns import (
    FAILED,
    NO_CLAIM,
    NOW,
    PENDING,
    error_values,
    seconds,
)
from storyboard_worker.queries.frontier import Frontier, Rank

rows = storyboards.c

# A producer may have set the count meanwhile; it never goes below 0.
ONE_ATTEMPT_LESS = func.greatest(rows.attempts - 1, 0)

Completion = tuple[Claim, StoredImage]
Taken = tuple[Claim, Rank]


class StoryboardQueue:
    """The table as a queue, for one worker.

    ``max_attempts`` is the limit for rows that set none of their own.
    """

    def __init__(
        self, database: Database, *, worker_id: str, lease_seconds: float, max_attempts: int
    ) -> None:
        self._database = database
        self._worker_id = worker_id
        self._lease = timedelta(seconds=lease_seconds)
        self._max_attempts = max_attempts
        self._frontier = Frontier()
        self._completions = GroupCommit(self._complete_all)

    def claim(
        self, limit: int, *, without_hosts: Collection[str] = (), host: str | None = None
    ) -> list[Claim]:
        """pending → processing, for up to ``limit`` due rows, the most urgent first.

        Rows of ``without_hosts`` are passed over; with ``host`` only its rows are taken. Where
        walking past what cannot be taken has become slow, so may be, for a little while, rows
        that are more urgent than those taken last.
        """
        if host is not None:
            statement = claim_statement(limit, onward=False, avoiding=False, at_host=True)
            return _claims(self._take(statement, {"host": host}))
        start = self._frontier.start
        claims = self._pass(start, limit, without_hosts)
        if start is not None and not claims:
            claims = self._pass(None, limit, without_hosts)
        return claims

    def _pass(self, start: Rank | None, limit: int, without_hosts: Collection[str]) -> list[Claim]:
        statement = claim_statement(
            limit, onward=start is not None, avoiding=bool(without_hosts), at_host=False
        )
        reached = dict(zip(RANK_NAMES, start or (), strict=False))
        began_at = time.monotonic()
        taken = self._take(statement, {"avoided": sorted(without_hosts), **reached})
        seconds = time.monotonic() - began_at
        self._frontier.passed(start, taken[-1][1] if taken else None, seconds)
        return _claims(taken)

    def claim_one(self, storyboard_id: UUID) -> Claim | None:
        """pending → processing for one row by hand, due or not, expired or not.

        ``None`` when it is not pending (or gone, or locked this moment).
        """
        claims = _claims(self._take(claim_one_statement(), {"chosen_id": storyboard_id}))
        return claims[0] if claims else None

    def _take(self, statement: FixedStatement, values: dict[str, Any]) -> list[Taken]:
        values |= {
            "worker_id": self._worker_id,
            "lease": self._lease,
            "max_attempts": self._max_attempts,
        }
        return self._database.run(statement, values, args_row(_taken))

    @property
    def seconds_until_whole_pass(self) -> float | None:
        """When rows that :meth:`claim` has passed over can be seen; ``None``: there are none."""
        return self._frontier.seconds_until_whole_pass

    def renew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the leases of ``claims``; returns those that are no longer ours.

        Rows locked by somebody else this moment are skipped and renewed next time: one row
        in a producer's long transaction must not cost all others their lease.
        """
        if not claims:
            return []
        ours = values(column("id", UuidType), column("token", UuidType), name="ours").data(
            [(claim.id, claim.token) for claim in claims]
        )
        same = and_(rows.id == ours.c.id, rows.claim_token == ours.c.token)
        held = (
            select(rows.id)
            .select_from(storyboards.join(ours, same))
            .with_for_update(skip_locked=True, of=storyboards)
            .cte("held")
            .prefix_with("MATERIALIZED")
        )
        renewal = (
            update(storyboards)
            .where(rows.id == held.c.id)
            .values(lease_expires_at=NOW + self._lease)
        )
        still_ours = select(rows.claim_token).where(
            rows.claim_token.in_(claim.token for claim in claims),
            rows.id.in_(claim.id for claim in claims),
        )
        with self._database.transaction() as connection:
            connection.execute(renewal)
            tokens = set(connection.execute(still_ours).scalars())
        return [claim for claim in claims if claim.token not in tokens]

    def complete(self, claim: Claim, image: StoredImage) -> None:
        """processing → ready. Raises :class:`LeaseLost` when the claim is no longer ours.

        Completions of several slots that come together share a transaction.
        """
        self._completions.submit((claim, image))

    def _complete_all(self, done: list[Completion]) -> list[StoryboardWorkerError | None]:
        """What became of each: ``None`` when it is written."""
        records = [
            {"id": str(claim.id), "token": str(claim.token)}
            | {name: getattr(image, name) for name in IMAGE_COLUMNS}
            for claim, image in done
        ]
        values = {"done": json.dumps(records)}
        written = set(self._database.run(complete_statement(), values, scalar_row))
        missing = [claim.token for claim, _ in done if claim.token not in written]
        held = self._held(missing) if missing else set()
        return [_completed(claim, written, held) for claim, _ in done]

    def _held(self, tokens: Sequence[UUID]) -> set[UUID]:
        with self._database.transaction() as connection:
            return set(connection.scalars(held_tokens(tokens)))

    def retry(
        self,
        claim: Claim,
        error: AttemptError,
        *,
        delay_seconds: float,
        sentry_event_id: str | None = None,
    ) -> None:
        """processing → pending, due after ``delay_seconds``; the attempt stays counted.

        Raises :class:`LeaseLost` when the claim is no longer ours.
        """
        self._finish(
            claim,
            status=PENDING,
            available_at=NOW + seconds(delay_seconds),
            **error_values(error, sentry_event_id),
        )

    def fail(self, claim: Claim, error: AttemptError, *, sentry_event_id: str | None) -> None:
        """processing → failed. Raises :class:`LeaseLost` when the claim is no longer ours."""
        self._finish(claim, status=FAILED, **error_values(error, sentry_event_id))

    def release(self, claim: Claim, error: AttemptError, *, delay_seconds: float) -> None:
        """processing → pending, the attempt given back: the error was not this row's fault.

        Raises :class:`LeaseLost` when the claim is no longer ours.
        """
        self._finish(
            claim,
            status=PENDING,
            attempts=ONE_ATTEMPT_LESS,
            available_at=NOW + seconds(delay_seconds),
            **error_values(error, None),
        )

    def give_back(self, claims: Sequence[Claim]) -> int:
        """processing → pending for what a stopping worker did not finish, attempts given back.

        Being interrupted is no error: the rows are due as before. Returns how many were given
        back: not those that are no longer ours, nor those that somebody has locked, which
        come back by their lease.
        """
        if not claims:
            return 0
        ours = or_(*(_is_held(claim) for claim in claims))
        free = select(rows.id).where(ours).with_for_update(skip_locked=True).cte("free")
        statement = (
            update(storyboards)
            .where(rows.id == free.c.id)
            .values(status=PENDING, attempts=ONE_ATTEMPT_LESS, **NO_CLAIM)
        )
        with self._database.transaction() as connection:
            return connection.execute(statement).rowcount

    def _finish(self, claim: Claim, **columns: Any) -> None:
        statement: Update = update(storyboards).where(_is_held(claim)).values(**columns, **NO_CLAIM)
        with self._database.transaction() as connection:
            if connection.execute(statement).rowcount == 0:
                raise LeaseLost(f"storyboard {claim.id} is no longer ours")


def _taken(*values: Any) -> Taken:
    return Claim(*values[: -len(RANK)]), values[-len(RANK) :]


def _claims(taken: Sequence[Taken]) -> list[Claim]:
    return [claim for claim, _ in taken]


def _completed(
    claim: Claim, written: Collection[UUID], held: Collection[UUID]
) -> StoryboardWorkerError | None:
    if claim.token in written:
        return None
    if claim.token in held:
        return DatabaseUnavailable(f"storyboard {claim.id} is locked by another transaction")
    return LeaseLost(f"storyboard {claim.id} is no longer ours")


def _is_held(claim: Claim) -> ColumnElement[bool]:
    return and_(rows.id == claim.id, rows.claim_token == claim.token)
