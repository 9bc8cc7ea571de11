"""The life of a row in a worker's hands: claim, renew, and the ends of a claim.

Every write after the claim says ``WHERE id = … AND claim_token = …``. Status, id or attempt
number are not enough: only the token tells a worker whose lease ran out that the row now
belongs to another worker, or to a newer image.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from storyboard_worker.database import Database
from storyboard_worker.errors import AttemptError, DataRefused
from storyboard_worker.queries.claiming import Claimant, Claiming
from storyboard_worker.queries.ending import Ending, Verdict
from storyboard_worker.queries.ends import ClaimEnd, End, ErrorEnd, Transition
from storyboard_worker.queries.giving_back import GivenBack, GivingBack
from storyboard_worker.queries.put_off import PutOff, Recall
from storyboard_worker.queries.renewing import renew
from storyboard_worker.queries.setting_aside import OnSetAside, log_set_aside
from storyboard_worker.queries.unanswered_claims import UnansweredClaims
from storyboard_worker.queries.unanswered_ends import UnansweredEnds
from storyboard_worker.storyboard import Claim, Group, StoredImage


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
        self._unanswered = UnansweredEnds()
        self._ending = Ending(database, self._claiming, self._unanswered)
        self._giving_back = GivingBack(database)

    def claim(
        self, limit: int, *, without_upstreams: Collection[str] = (), group: Group = Group.NEW
    ) -> list[Claim]:
        """pending → processing, for up to ``limit`` due rows, the most urgent first.

        Of one ``group``; rows of ``without_upstreams`` are passed over. Where claims have become
        slow, rows that are more urgent than those taken last may be skipped for a short time.
        """
        self.give_back_lost()
        return self._claiming.most_urgent(limit, without_upstreams, group=group)

    def make_claim_ready(self, limit: int) -> None:
        """Make a :meth:`claim` of up to ``limit`` new rows ready, for :meth:`send_claim`.

        It keeps a connection of the database until it is sent or dropped. Nothing is made ready
        while the database allows no kept plans.
        """
        self._claiming.make_early_ready(limit)

    def send_claim(self) -> None:
        """Send the claim that is ready, if there is one, and do not wait: the next :meth:`claim`
        of new rows takes its answer."""
        self._claiming.early.send()

    def drop_ready_claim(self) -> None:
        """The claim that is ready is not needed; or the rows of the one that was sent are under
        way. Its connection is free again."""
        self._claiming.early.drop()

    @property
    def claim_is_under_way(self) -> bool:
        """One was sent by :meth:`send_claim`, and its answer has not been taken."""
        return self._claiming.early.is_under_way

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
        attempts given back. Every claim and every end does it; a worker that does neither for
        long has to."""
        return self._claiming.give_back_lost()

    @property
    def seconds_until_look_for_lost(self) -> float | None:
        """When :meth:`give_back_lost` has something to look for; ``None``: nothing."""
        return self._claiming.seconds_until_look_for_lost

    @property
    def seconds_until_refused_again(self) -> float | None:
        """When a row that the database refused may be claimed again; ``None``: there are none."""
        return self._claiming.seconds_until_refused_again

    @property
    def seconds_until_full_pass(self) -> float | None:
        """When rows that :meth:`claim` has passed over can be seen; ``None``: there are none."""
        return self._claiming.seconds_until_full_pass

    def renew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the leases of ``claims``; returns those that are no longer ours. One whose end is
        being written may have come to it, and is none of these."""
        if not claims:
            return []
        ending = self._unanswered.tokens
        held = renew(self._database, claims, self._lease)
        known = held | ending | self._unanswered.tokens
        return [claim for claim in claims if claim.token not in known]

    def end_all(
        self, ends: Sequence[ClaimEnd], *, claim: int = 0
    ) -> tuple[list[Verdict], list[Claim]]:
        """See :meth:`Ending.end_all`."""
        return self._ending.end_all(ends, claim=claim)

    def list_unshown(self) -> None:
        """See :meth:`Ending.list_unshown`."""
        self._ending.list_unshown()

    def complete(self, claim: Claim, image: StoredImage) -> None:
        """processing → ready. Raises :class:`LeaseLost` when the claim is no longer ours."""
        self._end(claim, image)

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
        end = ErrorEnd(Transition.RETRY, error, delay_seconds, own_error, sentry_event_id)
        self._end(claim, end)

    def fail(self, claim: Claim, error: AttemptError, *, sentry_event_id: str | None) -> None:
        """processing → failed. Raises :class:`LeaseLost` when the claim is no longer ours."""
        self._end(claim, ErrorEnd(Transition.FAIL, error, event_id=sentry_event_id))

    def release(self, claim: Claim, error: AttemptError, *, delay_seconds: float) -> None:
        """processing → pending, the attempt given back: the error was not this row's fault.

        Raises :class:`LeaseLost` when the claim is no longer ours.
        """
        self._end(claim, ErrorEnd(Transition.RELEASE, error, delay_seconds))

    def set_aside(self, storyboard_id: UUID, error: DataRefused) -> None:
        """→ failed (``unexpected``), where the database refuses to have anything else written of
        the row."""
        self._claiming.set_aside(storyboard_id, error)

    def give_back(self, claims: Sequence[Claim]) -> GivenBack:
        """processing → pending for what a worker does not begin or finish, attempts given back.

        Being interrupted is no error: the rows are due as before. Rows that are no longer ours
        are left alone, and so are those that are locked this moment, see :class:`GivenBack`.
        """
        if not claims:
            return GivenBack(0, frozenset())
        return self._giving_back.give_back([claim.token for claim in claims])

    def _end(self, claim: Claim, end: End) -> None:
        [verdict], _ = self.end_all([(claim, end)])
        self.list_unshown()
        if verdict is not None:
            raise verdict
