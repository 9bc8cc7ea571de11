"""`enqueue`, `retry` and `process` with each exchange spoiled act once and report correctly."""

from collections import Counter
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.spoiled_command import Commands
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending, Place
from tests.support.exchanges import Step
from tests.support.panels import enqueue_panel
from tests.support.producing import FAILED, URL, enqueue, storyboard

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


def is_in_doubt(spoiling: Spoiling) -> bool:
    """Whether the rows may exist although the command could not learn of it."""
    return spoiling.step.kind == "commit of insert" and spoiling.place is not Place.BEFORE


@pytest.mark.parametrize("ending", Ending)
def test_enqueue(
    ending: Ending, dsn: str, producer: psycopg.Connection, commands: Commands
) -> None:
    def ids_of(project: str) -> list[str]:
        found = producer.execute("SELECT id FROM storyboards WHERE project_id = %s", [project])
        return sorted(str(id_) for (id_,) in found)

    def spoil(spoiling: Spoiling) -> None:
        project = uuid4().hex
        arguments = ("enqueue", "--json", "--project", project, URL, f"{URL}?again")
        ran = commands.run(dsn, *arguments, fault=spoiling.fault())
        result = ran.ended()
        assert len(ids_of(project)) in {0, 2}, "twice, or by halves"
        if result.code != 0 and is_in_doubt(spoiling):
            assert result.error_lines, "in doubt, and says nothing"
            return
        assert result.code == 0, ran.told()
        assert sorted(result.json["ids"]) == ids_of(project), ran.told()

    steps = checked(commands.run(dsn, "enqueue", URL, f"{URL}?again").exchanges)
    assert Step("commit of insert") in steps or Step("insert") in steps
    assert_all_bear(steps, ending, spoil)


@pytest.mark.parametrize("ending", Ending)
def test_retry(ending: Ending, dsn: str, producer: psycopg.Connection, commands: Commands) -> None:
    def spoil(spoiling: Spoiling) -> None:
        failed = enqueue(producer, **FAILED)
        ran = commands.run(dsn, "retry", failed, "--json", fault=spoiling.fault())
        result = ran.ended()
        assert result.code == 0, ran.told()
        row = storyboard(producer, failed)
        assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, None)
        assert result.json == {"retried": 1, "ids": [str(failed)]}

    failed = enqueue(producer, **FAILED)
    steps = checked(commands.run(dsn, "retry", failed).exchanges)
    assert "put back" in {step.kind for step in steps}
    assert_all_bear(steps, ending, spoil)


@pytest.mark.parametrize("ending", Ending)
def test_process(
    ending: Ending,
    dsn: str,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    commands: Commands,
) -> None:
    def spoil(spoiling: Spoiling) -> None:
        id_ = enqueue_panel(producer, origin, f"{uuid4().hex}.jpg")
        ran = commands.run(dsn, "process", id_, "--json", fault=spoiling.fault())
        result = ran.ended()
        assert result.code == 0, ran.told()
        row = storyboard(producer, id_)
        assert (row["status"], row["attempts"]) == ("ready", 1)
        assert uploads_of(cloudinary, id_) == 1
        assert result.json["status"] == "ready"
        assert result.json["cdn_url"] == row["cdn_url"]

    id_ = enqueue_panel(producer, origin)
    steps = checked(commands.run(dsn, "process", id_).exchanges)
    assert {"claim of one", "completion"} <= {step.kind for step in steps}
    claimed = steps.index(Step("claim of one"))
    certain = [*steps[:claimed], *(step for step in steps[claimed:] if step.kind in OF_ITS_OWN)]
    assert_all_bear(certain, ending, spoil)


# Whether the other exchanges occur beside an attempt is chance: the keeper's run at that time.
OF_ITS_OWN = {"claim of one", "completion", "rows", "commit of rows"}


def uploads_of(cloudinary: Cloudinary, id_: UUID) -> int:
    """How often the image of this row was stored."""
    counted = Counter(str(id_) in upload.public_id for upload in cloudinary.uploads)
    return counted[True]
