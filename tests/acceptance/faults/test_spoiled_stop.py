"""A stop of `run` with each of its exchanges spoiled: it ends in time, and gives back its rows."""

import signal
import threading
from collections.abc import Mapping

import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_worker import spoiled_worker
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending, Exchange
from tests.support.database_proxy import DatabaseProxy
from tests.support.forked_command import ForkServer
from tests.support.waiting import eventually

FOREVER = threading.Event()
# A fifth of the time is for giving rows back, beside many others on the same processors.
GRACE_SECONDS = 8.0
EXIT_SECONDS = 2.0

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.mark.parametrize("ending", Ending)
def test_run_stops(
    ending: Ending,
    forks: ForkServer,
    databases: Databases,
    settings: Mapping[str, str],
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    changed = {**settings, "SHUTDOWN_GRACE_SECONDS": f"{GRACE_SECONDS:g}"}

    def spoil(spoiling: Spoiling | None) -> list[Exchange]:
        with databases.one() as (dsn, _), DatabaseProxy(dsn) as proxy:
            with spoiled_worker(forks, dsn, changed, origin, cloudinary, proxy, "") as worker:
                id_ = worker.give(Hang(FOREVER))
                eventually(lambda: worker.outcome(id_) == ("processing", 1))
                eventually(lambda: worker.logged("listening"))
                before = len(proxy.exchanges)
                fault = None if spoiling is None else proxy.inject(spoiling.fault())
                worker.command.signal(signal.SIGTERM)
                result = worker.command.wait(GRACE_SECONDS + EXIT_SECONDS)
                assert result is not None, f"still runs: {worker.told()}"
                assert fault is None or fault.struck.is_set(), "the fault did not strike"
                assert worker.outcome(id_) == ("pending", 0), (
                    f"{worker.outcome(id_)}: {worker.told()}"
                )
                assert result.code == 0, f"exit {result.code}: {worker.told()}"
            return proxy.exchanges[before:]

    steps = [step for step in checked(spoil(None)) if step.kind in OF_STOPPING]
    assert {step.kind for step in steps} == OF_STOPPING
    # These spoilings wait for the end of the grace.
    assert_all_bear(steps, ending, spoil, at_once=16)


OF_STOPPING = {
    "beat",
    "commit of beat",
    "give back",
    "leave",
    "commit of leave",
}
