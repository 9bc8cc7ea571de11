"""What a worker is put together from."""

from dataclasses import dataclass

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.attempts.runner import Attempts
from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.vitals import Vitals


@dataclass(frozen=True, slots=True)
class Parts:
    """``on_ended`` is called, in the loop's thread, with each attempt that is over.
    ``predecessor``: the id of a worker whose place this one takes, and that has ended."""

    worker_id: str
    database: Database
    queue: StoryboardQueue
    next_due: NextDue
    register: WorkerRegister
    housekeeping: Housekeeping
    attempts: Attempts
    breakers: Breakers
    restraint: Restraint
    reporter: Reporter
    vitals: Vitals
    on_ended: OnEnded | None = None
    predecessor: str | None = None
