"""A start of `run` with each of its exchanges spoiled: it still works and listens."""

from collections.abc import Mapping

import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_command import MOST_SECONDS, START_SECONDS
from tests.acceptance.faults.spoiled_worker import spoiled_worker
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending, Exchange
from tests.support.database_proxy import DatabaseProxy
from tests.support.exchanges import Step
from tests.support.forked_command import ForkServer
from tests.support.panels import enqueue_panel
from tests.support.waiting import holds

READY_SECONDS = MOST_SECONDS + START_SECONDS

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.mark.parametrize("ending", Ending)
def test_run_starts(
    ending: Ending,
    forks: ForkServer,
    databases: Databases,
    settings: Mapping[str, str],
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    def spoil(spoiling: Spoiling | None) -> list[Exchange]:
        with databases.one() as (dsn, producer), DatabaseProxy(dsn) as proxy:
            id_ = enqueue_panel(producer, origin)
            fault = None if spoiling is None else proxy.inject(spoiling.fault())
            with spoiled_worker(forks, dsn, settings, origin, cloudinary, proxy) as worker:
                assert fault is None or fault.struck.wait(READY_SECONDS), "the fault did not strike"
                is_ready = holds(lambda: worker.outcome(id_) == ("ready", 1), READY_SECONDS)
                assert is_ready, f"{worker.outcome(id_)}: {worker.told()}"
                listens = holds(lambda: bool(worker.logged("listening")), READY_SECONDS)
                assert listens, f"does not listen: {worker.told()}"
                worker.assert_nothing_broke()
                assert worker.uploads(id_) == 1
            return proxy.exchanges

    # Several threads begin at once, so only the first exchange of each kind is sure to come.
    steps = [step for step in checked(spoil(None)) if step.occurrence == 1]
    assert set(steps) >= {Step("login"), Step("listen"), Step("proof"), Step("claim")}
    assert_all_bear(steps, ending, spoil)
