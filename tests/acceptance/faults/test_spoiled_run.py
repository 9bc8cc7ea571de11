"""`run` with each of its exchanges spoiled: nothing is lost, done twice or charged to a row."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.provocations import (
    OF_DOUBT,
    OF_START_AND_STOP,
    PROVOCATIONS,
    Expected,
)
from tests.acceptance.faults.spoiled_worker import SpoiledWorker, spoiled_worker
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling
from tests.support.database_faults import Ending, Place
from tests.support.database_proxy import DatabaseProxy
from tests.support.databases import NewDatabase
from tests.support.exchanges import Step, kind_of
from tests.support.forked_command import ForkServer
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, holds

LANES = 9
# Long enough for nine workers on a busy machine. A row that is forgotten stays so for a lease of 60
# seconds.
STRIKE_SECONDS = MOST_SECONDS = 30.0
# So soon a renewal has come in between, or has not.
DOUBT_SECONDS = 8.0
MOST_EMPTY_CLAIMS = 5

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.fixture
def settings(settings: dict[str, str], sentry: SentryServer) -> dict[str, str]:
    return {
        **settings,
        "SENTRY_DSN": sentry.dsn,
        "WORKER_CONCURRENCY": "2",
        "POLL_INTERVAL_SECONDS": "0.5",
    }


class Lane:
    """Spoilings of one worker, one after the other. A worker that fails one is replaced."""

    def __init__(self, new_worker: Callable[[ExitStack], SpoiledWorker]) -> None:
        self._new_worker = new_worker

    def run(self, spoilings: list[Spoiling]) -> list[str]:
        """The complaints about the spoilings."""
        complaints = []
        with ExitStack() as stack:
            worker = self._new_worker(stack)
            for spoiling in spoilings:
                try:
                    spoil(worker, spoiling)
                except AssertionError as error:
                    told = str(error).splitlines()[0]
                    complaints.append(f"{spoiling}: {told} (its log: {worker.told()})")
                    stack.close()
                    worker = self._new_worker(stack)
            kinds = {kind_of(exchange) for exchange in worker.proxy.exchanges}
        unspoiled = kinds - PROVOCATIONS.keys() - OF_START_AND_STOP
        return [*complaints, *(f"{kind}: is not spoiled" for kind in unspoiled)]


def spoil(worker: SpoiledWorker, spoiling: Spoiling) -> None:
    for _ in range(MOST_EMPTY_CLAIMS):
        spoil_once(worker, spoiling)
        if not (spoiling.step.kind == "claim" and spoiling.place is not Place.BEFORE):
            return
        # A claim that found nothing may have come in between.
        if worker.logged("given back: the answer"):
            return
    raise AssertionError("only empty claims were hit")


def spoil_once(worker: SpoiledWorker, spoiling: Spoiling) -> None:
    # An exchange of the row before must not be the one that is hit.
    eventually(worker.is_quiet)
    lines_before = len(worker.log)
    provoke = PROVOCATIONS[spoiling.step.kind]
    with worker.producer.transaction():
        expected = provoke(worker)
        fault = worker.proxy.inject(spoiling.fault())
    # A renewal may lock the row for the moment of its end. Then nothing is written, and there is
    # nothing to ask for. The next row meets the same fault.
    if spoiling.step.kind in OF_DOUBT and not fault.struck.wait(DOUBT_SECONDS):
        expected += provoke(worker)
    assert fault.struck.wait(STRIKE_SECONDS), "the fault did not strike"
    seen_at = worker.last_seen_at
    for one in expected:
        if one.go_on is not None:
            one.go_on.set()
    for one in expected:
        assert_ends_well(worker, one, lines_before)
    assert holds(lambda: worker.last_seen_at != seen_at, MOST_SECONDS), "it does not beat"
    assert holds(lambda: worker.listens, MOST_SECONDS), "it does not listen"
    assert_ends_well(worker, Expected(worker.give()), lines_before)
    worker.assert_nothing_broke()


def assert_ends_well(worker: SpoiledWorker, expected: Expected, lines_before: int) -> None:
    """Check that the row ends in time, is stored once and told once."""
    id_, wanted = expected.id, (expected.status, expected.attempts)
    ends = holds(lambda: worker.outcome(id_) == wanted, MOST_SECONDS)
    assert ends, f"{worker.outcome(id_)} instead of {wanted}"
    assert worker.uploads(id_) == (expected.status == "ready")
    holds(lambda: worker.told_of(id_, expected.told, lines_before) > 0, MOST_SECONDS)
    times = worker.told_of(id_, expected.told, lines_before)
    assert times == 1, f"«{expected.told}» is told {times} times"


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("ending", Ending)
def test_run(
    place: Place,
    ending: Ending,
    forks: ForkServer,
    new_database: NewDatabase,
    template: str,
    settings: Mapping[str, str],
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    def new_worker(stack: ExitStack) -> SpoiledWorker:
        dsn = stack.enter_context(new_database(template))
        proxy = stack.enter_context(DatabaseProxy(dsn))
        worker = stack.enter_context(
            spoiled_worker(forks, dsn, settings, origin, cloudinary, proxy)
        )
        eventually(lambda: worker.logged("listening for new rows"))
        return worker

    spoilings = [Spoiling(Step(kind), place, ending) for kind in PROVOCATIONS]
    lanes = [spoilings[lane::LANES] for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as threads:
        told = threads.map(Lane(new_worker).run, lanes)
    complaints = [complaint for lane in told for complaint in lane]
    assert not complaints, "\n".join(complaints)
