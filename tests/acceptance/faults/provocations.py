"""What makes a worker have a certain exchange with its database, and how it has to end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from storyboard_worker.demo.faults import Answer, Hang
from tests.acceptance.faults.spoiled_worker import SpoiledWorker
from tests.support.database_faults import Ending, Fault, Place
from tests.support.exchanges import of_kind
from tests.support.producing import CLAIM, moment


@dataclass(frozen=True, slots=True)
class Expected:
    """How a row has to end.

    ``told`` is the line that the log must contain once. ``go_on`` lets the image arrive after the
    exchange was hit.
    """

    id: UUID
    status: str = "ready"
    attempts: int = 1
    told: str = "storyboard ready"
    go_on: threading.Event | None = None


Provoke = Callable[[SpoiledWorker], list[Expected]]

UNAVAILABLE = Answer(503)
GONE = Answer(410)
LIMITED = Answer(429, headers={"Retry-After": "1"})
TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s"
)


def one_row(worker: SpoiledWorker) -> list[Expected]:
    return [Expected(worker.give())]


def more_rows_than_slots(worker: SpoiledWorker) -> list[Expected]:
    return [Expected(worker.give()) for _ in range(8)]


def an_outage(worker: SpoiledWorker) -> list[Expected]:
    return [Expected(worker.give(UNAVAILABLE), attempts=2, told="storyboard retried")]


def a_lost_image(worker: SpoiledWorker) -> list[Expected]:
    return [Expected(worker.give(GONE), status="failed", told="storyboard failed")]


def a_limit(worker: SpoiledWorker) -> list[Expected]:
    return [Expected(worker.give(LIMITED), told="storyboard released")]


def a_slow_image(worker: SpoiledWorker) -> list[Expected]:
    go_on = threading.Event()
    return [Expected(worker.give(Hang(go_on)), go_on=go_on)]


def a_dead_worker(worker: SpoiledWorker) -> list[Expected]:
    claim = {
        **CLAIM,
        "claimed_at": moment(worker.producer, -90),
        "lease_expires_at": moment(worker.producer, -1),
    }
    return [Expected(worker.give(status="processing", attempts=1, **claim), attempts=2)]


def a_dead_link(worker: SpoiledWorker) -> list[Expected]:
    expired = worker.give(source_expires_at=moment(worker.producer, -60))
    return [Expected(expired, status="failed", attempts=0, told="links expired unread")]


def a_lost_listener(worker: SpoiledWorker) -> list[Expected]:
    worker.producer.execute(TERMINATE, ["LISTEN%"])
    return one_row(worker)


def lost_connections(worker: SpoiledWorker) -> list[Expected]:
    worker.producer.execute(TERMINATE, ["%"])
    return one_row(worker)


def time_alone(_worker: SpoiledWorker) -> list[Expected]:
    return []


def losing(kind: str, provoke: Provoke) -> Provoke:
    """After ``provoke`` the answer to this is lost, so the worker has to ask for it."""

    def provoke_and_lose(worker: SpoiledWorker) -> list[Expected]:
        worker.proxy.inject(Fault(of_kind(kind), Place.AFTER, Ending.CUT))
        return provoke(worker)

    return provoke_and_lose


# By the kind of the exchange.
PROVOCATIONS: dict[str, Provoke] = {
    "claim": one_row,
    "next due": one_row,
    "completion": one_row,
    "refill": more_rows_than_slots,
    "begin": a_slow_image,
    "retry": an_outage,
    "fail": a_lost_image,
    "release": a_limit,
    "renewal": a_slow_image,
    "held tokens": a_slow_image,
    "commit of held tokens": a_slow_image,
    "setting": a_dead_worker,
    "rescue": a_dead_worker,
    "commit of rescue": a_dead_worker,
    "orphans": a_dead_worker,
    "commit of orphans": a_dead_worker,
    "expire": a_dead_link,
    "commit of expire": a_dead_link,
    "event note": a_dead_link,
    "commit of event note": a_dead_link,
    "listen": a_lost_listener,
    "proof": a_lost_listener,
    "commit of proof": a_lost_listener,
    "login": lost_connections,
    "beat": time_alone,
    "beat with proof": time_alone,
    "give back lost": losing("claim", one_row),
    "shown images": losing("completion", one_row),
    "commit of shown images": losing("completion", one_row),
    "as written": losing("fail", a_lost_image),
    "commit of as written": losing("fail", a_lost_image),
    "rows in doubt": losing("commit of expire", a_dead_link),
    "commit of rows in doubt": losing("commit of expire", a_dead_link),
}

# They come when the end of a claim was sent and not answered.
OF_DOUBT = {
    *("shown images", "commit of shown images"),
    *("as written", "commit of as written"),
}

# These are spoiled by tests of their own.
OF_START_AND_STOP = {
    "opening",
    "kind of connection",
    "commit of kind of connection",
    "rollback of kind of connection",
    "commit of beat",
}
