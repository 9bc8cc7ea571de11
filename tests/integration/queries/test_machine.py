"""Workers, zombies among them, producers and upkeep, in any order that hypothesis finds.

After every step the table must show exactly what the model says. So no row is lost, no row is
finished by two claims, and a stale claim never changes a row.
"""

import os
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, multiple, rule, run_state_machine_as_test

from storyboard_worker.database import Database
from storyboard_worker.errors import AttemptError, ErrorCode, LeaseLost
from storyboard_worker.storyboard import Claim, Group
from tests.integration.queries.machine_world import WORKERS, World
from tests.integration.queries.model import LIMIT, ModelRow
from tests.integration.queries.working import IMAGE, TIMEOUT, recall_all

RATE_LIMITED = AttemptError(ErrorCode.SOURCE_RATE_LIMITED, "429")

ids, claims = World.ids, World.claims
workers = st.sampled_from(WORKERS)
some = st.integers(1, 3)
groups = st.sampled_from(Group)
HOST = "images.example"


class Machine(World):
    # Workers

    @rule(target=claims, worker=workers, limit=some, group=groups)
    def claim(self, worker: str, limit: int, group: Group) -> MultipleResults[Claim]:
        claimable = {
            id_: row for id_, row in self.model.items() if row.claimable and row.group is group
        }
        taken = self.queues[worker].claim(limit, group=group)
        urgent = sorted((row.priority for row in claimable.values()), reverse=True)[:limit]
        assert [claimable[claim.id].priority for claim in taken] == urgent
        for claim in taken:
            self.model[claim.id].claim(claim, worker)
        return multiple(*taken)

    @rule(target=claims, worker=workers, limit=some, only_new=st.booleans())
    def claim_probes(self, worker: str, limit: int, *, only_new: bool) -> MultipleResults[Claim]:
        wanted = (Group.NEW,) if only_new else (Group.NEW, Group.TRIED)
        of_group = Counter(row.group for row in self.model.values() if row.claimable)
        may_ask = sum(of_group[group] for group in wanted)
        if not only_new and not may_ask:
            may_ask = self.last_resort(of_group)
            wanted = (Group.TRIED, Group.LOST)
        taken = self.queues[worker].claim_probes(limit, upstream=HOST, only_new=only_new)
        assert len(taken) == min(limit, may_ask)
        assert sum(not claim.is_suspect for claim in taken) == min(limit, of_group[Group.NEW])
        for claim in taken:
            assert self.model[claim.id].group in wanted
            self.model[claim.id].due = True
            self.model[claim.id].claim(claim, worker)
        return multiple(*taken)

    def last_resort(self, of_group: Counter[Group]) -> int:
        """How many rows may probe where no due row may.

        Those are the rows that were put off, or else one row over which a worker was lost.
        """
        put_off = sum(row.is_put_off for row in self.model.values())
        return put_off or min(1, of_group[Group.LOST])

    @rule()
    def outage_is_over(self) -> None:
        met_it = [
            row
            for row in self.model.values()
            if row.status == "pending"
            and row.group is Group.TRIED
            and row.error_code == "source_timeout"
        ]
        put_off = sum(not row.due for row in met_it)
        # Rows that were due all the same are moved in front of others.
        assert put_off <= recall_all(self.queues[WORKERS[0]], HOST, 3600) <= len(met_it)
        for row in met_it:
            row.due = True

    @rule(target=claims, worker=workers, id_=ids)
    def claim_one(self, worker: str, id_: UUID) -> MultipleResults[Claim]:
        pending = self.model[id_].status == "pending"
        claim = self.queues[worker].claim_one(id_)
        assert (claim is not None) == pending
        if claim is None:
            return multiple()
        self.model[id_].claim(claim, worker)
        return multiple(claim)

    def finish(self, claim: Claim, finish: Callable[[], None]) -> ModelRow | None:
        """The row, if this claim may still write its end."""
        row = self.held(claim)
        if row is None:
            with pytest.raises(LeaseLost):
                finish()
        else:
            finish()
        return row

    @rule(worker=workers, claim=claims)
    def complete(self, worker: str, claim: Claim) -> None:
        if row := self.finish(claim, lambda: self.queues[worker].complete(claim, IMAGE)):
            row.end("ready")

    @rule(worker=workers, claim=claims, delay=st.sampled_from([0, 3600]), own=st.booleans())
    def retry_or_fail(self, worker: str, claim: Claim, delay: int, *, own: bool) -> None:
        queue = self.queues[worker]

        def retry() -> None:
            queue.retry(claim, TIMEOUT, delay_seconds=delay, own_error=own)

        if claim.max_attempts is None:
            is_spent = claim.own_errors - claim.workers_lost + own >= LIMIT
        else:
            is_spent = claim.attempt - claim.attempts_lost >= claim.max_attempts
        if is_spent:
            if row := self.finish(claim, lambda: queue.fail(claim, TIMEOUT, sentry_event_id=None)):
                row.end("failed", "source_timeout")
        elif row := self.finish(claim, retry):
            row.end_itself("pending", "source_timeout", due=not delay)
            row.own_errors += own

    @rule(worker=workers, claim=claims)
    def release(self, worker: str, claim: Claim) -> None:
        queue = self.queues[worker]
        if row := self.finish(claim, lambda: queue.release(claim, RATE_LIMITED, delay_seconds=60)):
            row.end("pending", "source_rate_limited", due=False)
            row.attempts -= 1

    @rule(worker=workers, given=st.lists(claims, max_size=3))
    def give_back(self, worker: str, given: list[Claim]) -> None:
        ours = {claim.token: row for claim in given if (row := self.held(claim))}
        assert self.queues[worker].give_back(given).count == len(ours)
        for row in ours.values():
            row.end("pending", row.error_code, due=row.due)
            row.attempts -= 1

    @rule(worker=workers, held=st.lists(claims, max_size=4))
    def renew(self, worker: str, held: list[Claim]) -> None:
        lost = self.queues[worker].renew(held)
        assert lost == [claim for claim in held if self.held(claim) is None]
        for claim in held:
            if row := self.held(claim):
                row.lapsed = False

    # Upkeep

    @rule(limit=some)
    def rescue(self, limit: int) -> None:
        rescuable = {id_ for id_, row in self.model.items() if row.rescuable}
        rescued = self.upkeep.rescue(limit)
        assert {lapsed.id for lapsed in rescued} <= rescuable
        assert len(rescued) == min(limit, len(rescuable))
        lost = [self.model[lapsed.id] for lapsed in rescued]
        causes = {row.lost_with for row in lost if row.is_the_cause}
        apart: dict[str, str] = {}
        for row in lost:
            if row.workers_lost and row.lost_with is not None:
                known = apart.get(row.claimed_by, row.lost_with)
                apart[row.claimed_by] = min(known, row.lost_with)
        for row in lost:
            row.rescue(apart.get(row.claimed_by, row.claimed_by))
        for lapsed in rescued:
            assert lapsed.failed == (self.model[lapsed.id].status == "failed")
        for row in self.model.values():
            is_company = row.workers_lost and row.lost_with in causes
            if is_company and row.error_code != "worker_lost" and row not in lost:
                row.cause_is_found()

    @rule(limit=some)
    def expire(self, limit: int) -> None:
        expirable = {id_ for id_, row in self.model.items() if row.expirable}
        expired = {row.id for row in self.upkeep.expire(limit)}
        assert expired <= expirable
        assert len(expired) == min(limit, len(expirable))
        for id_ in expired:
            self.model[id_].end("failed", "source_expired", due=self.model[id_].due)


@pytest.mark.timeout(600)  # hypothesis makes a failing example smaller first, which takes time
def test_the_table_matches_the_model_in_every_order(
    database: Database, producer: psycopg.Connection
) -> None:
    class OnThisDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(database, producer)

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            derandomize="CI" in os.environ,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
