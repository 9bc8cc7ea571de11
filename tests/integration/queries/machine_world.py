"""Producers, the passing of time, and the rules that always hold."""

import random
from itertools import count
from uuid import UUID

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
)

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.storyboard import Claim
from tests.integration.queries.model import LIMIT, MOST_WORKERS_LOST, SEEN, ModelRow
from tests.support.producing import change, delete, enqueue, moment

WORKERS = ("worker-1", "worker-2", "worker-3")
HALF_STATES = """
    SELECT count(*) FROM storyboards WHERE
    (status = 'processing') <> (num_nulls(claim_token, claimed_by, claimed_at,
                                          lease_expires_at) = 0)
    OR (status <> 'processing') <> (num_nonnulls(claim_token, claimed_by, claimed_at,
                                                 lease_expires_at) = 0)
    OR (status = 'ready') <> (cdn_url IS NOT NULL)
    OR (status IN ('ready', 'failed')) <> (finished_at IS NOT NULL)
    OR (status = 'failed' AND error_code IS NULL)
"""


class World(RuleBasedStateMachine):
    """The table, its model, and all events of rows except those of workers and upkeep."""

    ids: Bundle[UUID] = Bundle("ids")
    # Claims are never removed. A claim that was lost or finished belongs to a zombie from then on.
    claims: Bundle[Claim] = Bundle("claims")

    def __init__(self, database: Database, producer: psycopg.Connection) -> None:
        super().__init__()
        self.producer = producer
        self.queues = {
            name: StoryboardQueue(database, worker_id=name, lease_seconds=60) for name in WORKERS
        }
        for queue in self.queues.values():
            # A run that hypothesis repeats has to give the same result.
            queue._claiming._sample.chance = random.Random(1)
        self.upkeep = Upkeep(database, max_attempts=LIMIT)
        self.people = StoryboardRows(database)
        self.model: dict[UUID, ModelRow] = {}
        self.numbers = count()
        producer.execute("DELETE FROM storyboards")

    # Producers

    def new_url(self) -> str:
        return f"https://images.example/{next(self.numbers)}"

    @rule(
        target=ids,
        max_attempts=st.sampled_from([None, 1, 2, 9]),
        priority=st.integers(0, 2),
        due=st.sampled_from([True, True, False]),
    )
    def insert(self, max_attempts: int | None, priority: int, *, due: bool) -> UUID:
        url = self.new_url()
        id_ = enqueue(
            self.producer,
            url,
            max_attempts=max_attempts,
            priority=priority,
            available_at=moment(self.producer, -1 if due else 3600),
        )
        self.model[id_] = ModelRow(url, max_attempts, priority, due)
        return id_

    @rule(id_=ids)
    def regenerate(self, id_: UUID) -> None:
        row = self.model[id_]
        row.url = self.new_url()
        row.expired = False
        row.start_afresh()
        change(self.producer, id_, source_url=row.url)

    @rule(id_=ids)
    def set_pending(self, id_: UUID) -> None:
        change(self.producer, id_, status="pending")
        if self.model[id_].status != "pending":
            self.model[id_].start_afresh()

    @rule(id_=consumes(ids))
    def delete(self, id_: UUID) -> None:
        delete(self.producer, id_)
        del self.model[id_]

    @rule(id_=ids)
    def retry_by_people(self, id_: UUID) -> None:
        failed = self.model[id_].status == "failed"
        assert self.people.retry(FailedFilter(ids=[id_])) == ([id_] if failed else [])
        if failed:
            self.model[id_].start_afresh()

    # Time

    @rule(id_=ids)
    def link_dies(self, id_: UUID) -> None:
        change(self.producer, id_, source_expires_at=moment(self.producer, -1))
        self.model[id_].expired = True

    @rule(id_=ids)
    def moment_comes(self, id_: UUID) -> None:
        change(self.producer, id_, available_at=moment(self.producer, -1))
        self.model[id_].due = True

    @rule(claim=claims)
    def lease_runs_out(self, claim: Claim) -> None:
        if row := self.held(claim):
            change(self.producer, claim.id, lease_expires_at=moment(self.producer, -1))
            row.lapsed = True

    def held(self, claim: Claim) -> ModelRow | None:
        """The row, if the claim is still good."""
        row = self.model.get(claim.id)
        return row if row is not None and row.token == claim.token else None

    # Invariants

    @invariant()
    def the_table_shows_what_the_model_says(self) -> None:
        found = self.producer.execute(f"SELECT id, {SEEN} FROM storyboards").fetchall()
        assert {id_: seen for id_, *seen in found} == {
            id_: list(row.seen()) for id_, row in self.model.items()
        }

    @invariant()
    def no_row_is_in_a_half_state(self) -> None:
        assert self.producer.execute(HALF_STATES).fetchone() == (0,)

    @invariant()
    def no_limit_is_passed(self) -> None:
        for row in self.model.values():
            waits = row.status == "pending"
            if row.max_attempts is not None:
                assert 0 <= row.attempts <= row.max_attempts - waits
            else:
                assert 0 <= row.own_errors <= LIMIT - waits
            assert row.workers_lost <= MOST_WORKERS_LOST + (row.status == "failed")
