"""The life of a row in a worker's hands: claim, renew, and the four ends of a claim.

Every write after the claim says ``WHERE id = … AND claim_token = …``. Status, id or attempt
number are not enough: only the token tells a worker whose lease ran out that the row now
belongs to somebody else, or to a newer image.
"""

import json
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from psycopg.rows import scalar_row
from sqlalchemy import ColumnElement, Update, and_, column, select, update, values
from sqlalchemy import Uuid as UuidType

from storyboard_worker.database import Database
from storyboard_worker.database.group_commit import GroupCommit
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import (
    AttemptError,
    DatabaseUnavailable,
    DataRefused,
    LeaseLost,
    StoryboardWorkerError,
)
from storyboard_worker.logs import event
from storyboard_worker.queries.claiming import Claimant, Claiming
from storyboard_worker.queries.columns import (
    ACQUITTED,
    FAILED,
    NO_CLAIM,
    NOW,
    ONE_ATTEMPT_LESS,
    PENDING,
    error_values,
    own_errors_kept,
    seconds,
)
from storyboard_worker.queries.end_statements import (
    IMAGE_COLUMNS,
    complete_statement,
    give_back_statement,
    held_tokens,
    shown_images,
)
from storyboard_worker.queries.put_off import PutOff, Recall
from storyboard_worker.queries.setting_aside import OnSetAside, log_set_aside
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.queries.unanswered_ends import UnansweredEnds, as_written
from storyboard_worker.storyboard import Claim, Group, StoredImage

rows = storyboards.c

Completion = tuple[Claim, StoredImage]


class Refill(Protocol):
    """Whose slots become free by completions, and shall have work again at once."""

    def take(self, completions: int) -> int:
        """How many rows to claim along with so many completions."""

    def start(self, claims: list[Claim], taken: int) -> None:
        """What was claimed then, of so many; called after each :meth:`take` of more than none."""


class StoryboardQueue:
    """The table as a queue, for one worker.

    ``on_set_aside`` hears of rows with which a claim fails, and which have failed for it. Queues
    of one worker share their ``doubts``: what one of them has claimed without an answer any of
    them gives back.
    """

    def __init__(
        self,
        database: Database,
        *,
        worker_id: str,
        lease_seconds: float,
        on_set_aside: OnSetAside = log_set_aside,
        doubts: UnansweredClaims | None = None,
    ) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)
        claimant = Claimant(worker_id, self._lease)
        self._claiming = Claiming(database, claimant, on_set_aside, doubts or UnansweredClaims())
        self._put_off = PutOff(database)
        self._completions = GroupCommit(self._complete_all)
        self._refill: Refill | None = None
        self._ends = UnansweredEnds()
        self._given_back_in_doubt: set[UUID] = set()

    def refill_along(self, refill: Refill) -> None:
        """From now on claim in the transactions of completions, too."""
        self._refill = refill

    def claim(
        self, limit: int, *, without_upstreams: Collection[str] = (), group: Group = Group.NEW
    ) -> list[Claim]:
        """pending → processing, for up to ``limit`` due rows, the most urgent first.

        Of one ``group``; rows of ``without_upstreams`` are passed over. Where walking past what
        cannot be taken has become slow, so may be, for a little while, rows that are more urgent
        than those taken last.
        """
        self.give_back_lost()
        return self._claiming.most_urgent(limit, without_upstreams, group=group)

    def claim_probes(
        self,
        limit: int,
        *,
        upstream: str | None = None,
        without_upstreams: Collection[str] = (),
        only_new: bool = False,
        one_lost: bool = True,
    ) -> list[Claim]:
        """The same for rows that shall show whether an upstream is well again: of that source
        or, for storage, of any but ``without_upstreams``; from anywhere in the backlog, those
        that have not been tried before those that have.

        Where none of these is due: those that the upstream itself has put off; then, where
        ``one_lost`` may be tried, a row over which a worker was lost.
        """
        self.give_back_lost()
        at_random = partial(
            self._claiming.at_random, upstream=upstream, without_upstreams=without_upstreams
        )
        claims = at_random(limit, group=Group.NEW)
        if only_new:
            return claims
        if len(claims) < limit:
            claims += at_random(limit - len(claims), group=Group.TRIED)
        if not claims and self._put_off.hasten(limit, upstream, without_upstreams):
            claims = at_random(limit, group=Group.TRIED)
        if not claims and one_lost:
            claims = at_random(1, group=Group.LOST)
        return claims

    def recall(self, recall: Recall) -> Recall:
        """Some more rows that an outage has put off are due at once, for it is over; how to go
        on."""
        return self._put_off.recall(recall)

    def claim_one(self, storyboard_id: UUID) -> Claim | None:
        """pending → processing for one row by hand, due or not, expired or not.

        ``None`` when it is not pending (or gone, or locked this moment).
        """
        self.give_back_lost()
        claims = self._claiming.by_id(storyboard_id)
        return claims[0] if claims else None

    def give_back_lost(self) -> int:
        """processing → pending for rows that a claim of ours took without our hearing of it,
        attempts given back. Every claim and completion does it; a worker that does neither for
        long has to."""
        return self._claiming.give_back_lost()

    @property
    def seconds_until_look_for_lost(self) -> float | None:
        """When :meth:`give_back_lost` has something to look for; ``None``: nothing."""
        return self._claiming.seconds_until_look_for_lost

    @property
    def seconds_until_full_pass(self) -> float | None:
        """When rows that :meth:`claim` has passed over can be seen; ``None``: there are none."""
        return self._claiming.seconds_until_full_pass

    def renew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the leases of ``claims``; returns those that are no longer ours. One whose end is
        being written may have come to it, and is none of these.

        Rows locked by somebody else this moment are skipped and renewed next time: one row
        in a producer's long transaction must not cost all others their lease.
        """
        if not claims:
            return []
        ending = self._ends.tokens
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
        return [claim for claim in claims if claim.token not in tokens | ending | self._ends.tokens]

    def complete(self, claim: Claim, image: StoredImage) -> None:
        """processing → ready. Raises :class:`LeaseLost` when the claim is no longer ours.

        Completions of several slots that come together share a transaction.
        """
        self._completions.submit((claim, image))

    def _complete_all(self, done: list[Completion]) -> list[StoryboardWorkerError | None]:
        """What became of each: ``None`` when it is written."""
        with self._ends.writing([claim for claim, _ in done]):
            verdicts = self._completed(done)
        for (claim, _), verdict in zip(done, verdicts, strict=True):
            # Of one that is locked, maybe by what we sent before, nothing is known yet.
            if not isinstance(verdict, DatabaseUnavailable):
                self._ends.settle(claim)
        return verdicts

    def _completed(self, done: list[Completion]) -> list[StoryboardWorkerError | None]:
        self.give_back_lost()
        records = [
            {"id": str(claim.id), "token": str(claim.token)}
            | {name: getattr(image, name) for name in IMAGE_COLUMNS}
            for claim, image in done
        ]
        completion = Call(complete_statement(), {"done": json.dumps(records)}, scalar_row)
        written = self._write(completion, len(done))
        missing = [pair for pair in done if pair[0].token not in written]
        held, shown = self._held_or_shown(missing) if missing else (set(), set())
        return [_verdict(claim, written | shown, held) for claim, _ in done]

    def _write(self, completion: Call[UUID], count: int) -> set[UUID]:
        """The tokens of the claims that were completed."""
        refill = self._refill
        taken = refill.take(count) if refill else 0
        if refill is None or not taken:
            return set(self._database.run(completion))
        claims: list[Claim] = []
        try:
            written, claims = self._claiming.most_urgent_along(completion, taken)
        except DataRefused as error:
            # Nobody expected it, and it may be the claim's: images that are stored must not
            # fail with it. If not, it comes again.
            event(logging.WARNING, "completing without a claim", reason=type(error).__name__)
            written = self._database.run(completion)
        finally:
            refill.start(claims, taken)
        return set(written)

    def _held_or_shown(self, done: Sequence[Completion]) -> tuple[set[UUID], set[UUID]]:
        """The tokens of claims that are still held, and of those whose row shows the picture
        already: the answer to its completion was lost."""
        tokens = {claim.id: claim.token for claim, _ in done}
        images = [
            (claim.id, image.cdn_url) for claim, image in done if self._ends.is_in_doubt(claim)
        ]
        with self._database.transaction() as connection:
            held = set(connection.scalars(held_tokens(list(tokens.values()))))
            shown = set(connection.scalars(shown_images(images))) if images else set()
        return held, {tokens[id_] for id_ in shown}

    def retry(
        self,
        claim: Claim,
        error: AttemptError,
        *,
        delay_seconds: float,
        sentry_event_id: str | None = None,
        own_error: bool = False,
    ) -> None:
        """processing → pending, due after ``delay_seconds``; the attempt stays counted, and as
        ``own_error`` where the error was the row's own.

        Raises :class:`LeaseLost` when the claim is no longer ours.
        """
        self._finish(
            claim,
            attempts_after=claim.attempt - claim.attempts_lost,
            status=PENDING,
            **{**ACQUITTED, "own_errors": own_errors_kept + int(own_error)},
            available_at=NOW + seconds(delay_seconds),
            **error_values(error, sentry_event_id),
        )

    def fail(self, claim: Claim, error: AttemptError, *, sentry_event_id: str | None) -> None:
        """processing → failed. Raises :class:`LeaseLost` when the claim is no longer ours."""
        self._finish(
            claim,
            attempts_after=claim.attempt,
            status=FAILED,
            **error_values(error, sentry_event_id),
        )

    def set_aside(self, storyboard_id: UUID, error: DataRefused) -> None:
        """→ failed (``unexpected``), where the database refuses to have anything else written of
        the row."""
        self._claiming.set_aside(storyboard_id, error)

    def release(self, claim: Claim, error: AttemptError, *, delay_seconds: float) -> None:
        """processing → pending, the attempt given back: the error was not this row's fault. It
        says nothing of workers that were lost over the row, either.

        Raises :class:`LeaseLost` when the claim is no longer ours.
        """
        self._finish(
            claim,
            attempts_after=claim.attempt - 1,
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
        tokens = [claim.token for claim in claims]
        giving = Call(give_back_statement(), {"tokens": tokens}, scalar_row)
        try:
            given_back = len(self._database.run(giving))
        except DatabaseUnavailable:
            self._given_back_in_doubt |= set(tokens)
            raise
        return given_back + self._given_back_before(tokens, given_back)

    def _given_back_before(self, tokens: list[UUID], given_back: int) -> int:
        """How many of these a call before, whose answer was lost, has given back."""
        in_doubt = self._given_back_in_doubt & set(tokens)
        if not in_doubt:
            return 0
        self._given_back_in_doubt -= in_doubt
        with self._database.transaction() as connection:
            held = len(connection.scalars(held_tokens(list(in_doubt))).all())
        return len(in_doubt) - held - given_back

    def _finish(self, claim: Claim, *, attempts_after: int, **columns: Any) -> None:
        """Write ``columns``; ``attempts_after`` is the count that the row then has."""
        statement: Update = update(storyboards).where(_is_held(claim)).values(**columns, **NO_CLAIM)
        with self._ends.writing([claim]), self._database.transaction() as connection:
            if connection.execute(statement).rowcount:
                return
            was_written = (
                self._ends.is_in_doubt(claim)
                and connection.execute(as_written(claim, attempts_after, columns)).first()
            )
            if not was_written:
                self._ends.settle(claim)
                raise LeaseLost(f"storyboard {claim.id} is no longer ours")


def _verdict(
    claim: Claim, written: Collection[UUID], held: Collection[UUID]
) -> StoryboardWorkerError | None:
    if claim.token in written:
        return None
    if claim.token in held:
        return DatabaseUnavailable(f"storyboard {claim.id} is locked by another transaction")
    return LeaseLost(f"storyboard {claim.id} is no longer ours")


def _is_held(claim: Claim) -> ColumnElement[bool]:
    return and_(rows.id == claim.id, rows.claim_token == claim.token)
