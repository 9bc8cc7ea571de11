"""What workers and sweeps send again and again, each as one call."""

from contextlib import suppress
from uuid import uuid4

from storyboard_worker.database import Database
from storyboard_worker.errors import LeaseLost
from storyboard_worker.models import Claim, WorkerBeat, WorkerState
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.claim_statements import claim_statement
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.outlook import Outlook
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from tests.integration.queries.explaining import Send
from tests.integration.queries.working import IMAGE

AVOIDED = ["host-1.example", "host-2.example"]
# A rank in the middle of nowhere, as a claim tells it.
REACHED = ("0", "2026-01-02 03:04:05+00", "2026-01-02 03:04:05+00", str(uuid4()))

MARK = "0f4e1a2b-77c0"

NOBODYS = Claim(
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


def claim_without_hosts(database: Database) -> object:
    return _queue(database).claim(16, without_hosts=AVOIDED)


def claim_at_host(database: Database) -> object:
    return _queue(database).claim(16, host="host-1.example")


def claim_onward(database: Database) -> object:
    """As after a claim, when to begin at the most urgent row has become slow."""
    call = _queue(database)._claiming._call(claim_statement(16, onward=True), MARK, REACHED)
    return database.run(call)


def complete(database: Database) -> None:
    with suppress(LeaseLost):
        _queue(database).complete(NOBODYS, IMAGE)


def renew(database: Database) -> object:
    return _queue(database).renew([NOBODYS])


def rescue(database: Database) -> object:
    return Upkeep(database, max_attempts=8).rescue()


def expire(database: Database) -> object:
    return Upkeep(database, max_attempts=8).expire()


def look(database: Database) -> object:
    return Outlook(database).anything_due()


def beat_and_look(database: Database) -> object:
    return WorkerRegister(database, lease_seconds=60).beat_and_look(BEAT)


def count(database: Database) -> object:
    return StoryboardCounts(database).read()


def look_for_signs(database: Database) -> object:
    return AlarmRegister(database).look()


def _queue(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="worker-1", lease_seconds=60, max_attempts=8)


CLAIMS: list[Send] = [claim, claim_without_hosts, claim_at_host, claim_onward]
LOOKS: list[Send] = [expire, look, beat_and_look]
OTHERS: list[Send] = [complete, renew, rescue, count, look_for_signs]
