"""`doctor` with its exchanges spoiled reports what it cannot see, and goes on."""

from typing import Any

import psycopg
import pytest

from storyboard_worker import __version__
from tests.acceptance.faults.spoiled_command import Commands
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending
from tests.support.exchanges import Step

PASSED, FAILED = 0, 1
# Its words for a fault in one check, and for a fault that keeps it from other checks.
MOST_FAILED_CHECKS = 2

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.mark.parametrize("ending", Ending)
def test_doctor(ending: Ending, dsn: str, producer: psycopg.Connection, commands: Commands) -> None:
    producer.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "last_seen_at) VALUES ('worker-1', 'host-1', 17, %s, 16, now() + interval '1 hour')",
        [__version__],
    )

    def spoil(spoiling: Spoiling) -> None:
        ran = commands.run(dsn, "doctor", "--json", fault=spoiling.fault())
        result = ran.ended()
        assert result.code in {PASSED, FAILED}, ran.told()
        checks = result.json["checks"]
        failed = [check["found"] for check in checks if check["status"] == "fail"]
        assert len(failed) <= MOST_FAILED_CHECKS, failed
        assert bool(failed) == (result.code == FAILED)
        assert "cloudinary" in names_of(checks), "it did not go on"

    well = commands.run(dsn, "doctor", "--json")
    assert well.ended().code == PASSED, well.told()
    assert_all_bear(telling(checked(well.exchanges)), ending, spoil)


def names_of(checks: list[dict[str, Any]]) -> set[str]:
    return {check["name"] for check in checks}


def telling(steps: list[Step]) -> list[Step]:
    """The first exchange of each kind. The checks run one after the other and are alike."""
    return [step for step in steps if step.occurrence == 1]
