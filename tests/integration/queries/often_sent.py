"""The messages that workers and sweeps send often, each as one call."""

from contextlib import suppress
from uuid import uuid4

from psycopg.rows import tuple_row

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import STORAGE_UPSTREAM, LeaseLost
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.claim_cursor import Rank
from storyboard_worker.queries.claim_statements import (
    ClaimFilter,
    claim_statement,
    last_rank_statement,
)
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.narrowed import Narrowed
from storyboard_worker.queries.new_pictures import NewPictures
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.pictures import StoryboardPictures
from storyboard_worker.queries.put_off import PutOff, Recall
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import Claim, Group, WorkerBeat, WorkerState
from tests.integration.queries.explaining import Send
from tests.integration.queries.working import IMAGE, TIMEOUT

AVOIDED = ["host-1.example", "host-2.example"]
# A rank in the middle of the backlog, as a claim reports it.
REACHED = ("0", "2026-01-02 03:04:05+00", "2026-01-02 03:04:05+00", str(uuid4()))

MARK = "0f4e1a2b-77c0"

UNKNOWN_CLAIM = Claim(
    id=uuid4(),
    token=uuid4(),
    source_url="https://images.example/a",
    attempt=1,
    max_attempts=8,
    seconds_until_expiry=None,
    seconds_since_due=0.0,
)
BEAT = WorkerBeat("worker-1", "host", 1, "1", WorkerState.RUNNING, 16, 0, {"a.example": 60.0})


def claim(database: Database) -> object:
    return _queue(database).claim(16)


def claim_without_upstreams(database: Database) -> object:
    return _queue(database).claim(16, without_upstreams=AVOIDED)


def claim_onward(database: Database) -> object:
    """A claim from the cursor, because beginning at the most urgent row has become slow."""
    call = _queue(database)._claiming._call(_onward(Group.NEW), MARK, REACHED, limit=16)
    return database.run(call)


def claim_tried(database: Database) -> object:
    return _queue(database).claim(16, group=Group.TRIED)


def claim_lost(database: Database) -> object:
    return _queue(database).claim(1, group=Group.LOST)


def probe(database: Database) -> object:
    """Like :meth:`StoryboardQueue.claim_probes`, from a place in the middle."""
    return _probe(database, Group.NEW, REACHED)


def probe_from_the_start(database: Database) -> object:
    return _probe(database, Group.NEW, None)


def probe_with_tried(database: Database) -> object:
    return _probe(database, Group.TRIED, REACHED)


def _probe(database: Database, group: Group, start: Rank | None) -> object:
    narrowed = Narrowed(group, upstream="host-1.example")
    return _queue(database)._claiming._pass(3, start, narrowed, is_walk=False)


def first_rank(database: Database) -> object:
    return _rank(database, Group.NEW, last=False)


def last_rank(database: Database) -> object:
    return _rank(database, Group.NEW, last=True)


def rank_before(database: Database) -> object:
    return _queue(database)._claiming._sample._end(Group.NEW, REACHED, last=True)


def rank_since(database: Database) -> object:
    return _queue(database)._claiming._sample._end(Group.NEW, REACHED, last=False)


def last_rank_of_tried(database: Database) -> object:
    return _rank(database, Group.TRIED, last=True)


def _rank(database: Database, group: Group, *, last: bool) -> object:
    return database.run(
        Call(last_rank_statement(group=group, last=last), {"left_out": 0}, tuple_row)
    )


def recall(database: Database) -> object:
    return _queue(database).recall(Recall("host-1.example", 100.0))


def recall_for_storage(database: Database) -> object:
    return _queue(database).recall(Recall(STORAGE_UPSTREAM, 100.0))


def recall_onward(database: Database) -> object:
    return _queue(database).recall(Recall("host-1.example", 100.0, reached=REACHED))


def hasten(database: Database) -> object:
    return PutOff(database).hasten(3, "host-1.example", ())


def _onward(group: Group) -> FixedStatement:
    return claim_statement(16, ClaimFilter(group), onward=True)


def complete(database: Database) -> None:
    with suppress(LeaseLost):
        _queue(database).complete(UNKNOWN_CLAIM, IMAGE)


def retry(database: Database) -> None:
    with suppress(LeaseLost):
        _queue(database).retry(UNKNOWN_CLAIM, TIMEOUT, delay_seconds=2.0)


def renew(database: Database) -> object:
    return _queue(database).renew([UNKNOWN_CLAIM])


def rescue(database: Database) -> object:
    return Upkeep(database, max_attempts=8).rescue()


def expire(database: Database) -> object:
    return Upkeep(database, max_attempts=8).expire()


def look(database: Database) -> object:
    return NextDue(database).anything_due()


def beat_and_look(database: Database) -> object:
    return WorkerRegister(database, lease_seconds=60).beat_and_look(BEAT)


def count(database: Database) -> object:
    return StoryboardCounts(database).read()


def show_pictures(database: Database) -> object:
    """Several rows at once, as the image route reads them."""
    return StoryboardPictures(database).read([uuid4() for _ in range(7)])


def look_for_signs(database: Database) -> object:
    return AlarmRegister(database).look()


def new_pictures(database: Database) -> object:
    return NewPictures(database).since_last_look(5)


def _queue(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="worker-1", lease_seconds=60)


CLAIMS: list[Send] = [
    claim,
    claim_without_upstreams,
    claim_onward,
    probe,
    probe_from_the_start,
]
CLAIMS_OF_TRIED: list[Send] = [claim_tried, probe_with_tried]
CLAIMS_OF_LOST: list[Send] = [claim_lost]
EVERY_CLAIM = [*CLAIMS, *CLAIMS_OF_TRIED, *CLAIMS_OF_LOST]
RANKS: list[Send] = [first_rank, last_rank, rank_before, rank_since]
LOOKS: list[Send] = [expire, look, beat_and_look]
AFTER_OUTAGES: list[Send] = [
    last_rank_of_tried,
    recall,
    recall_onward,
    recall_for_storage,
    hasten,
]
ENDS: list[Send] = [complete, retry]
OTHERS: list[Send] = [renew, rescue, count, show_pictures, look_for_signs, new_pictures]
