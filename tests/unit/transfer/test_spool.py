"""A failure of the spool's file is a lack of the worker's own, and slots do not each retry it."""

import tempfile
from pathlib import Path

import pytest

from storyboard_worker.errors import Resource, ResourceExhausted
from storyboard_worker.resources.restraint import FIRST_PAUSE_SECONDS, Pause
from storyboard_worker.transfer import spool as module
from storyboard_worker.transfer.spool import Spools, try_folder
from tests.support.clock import Clock

CHUNK = b"x" * 1000


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Spools:
    """Spools that need the disk from the first chunk on."""
    monkeypatch.setattr(module, "MEMORY_BYTES", len(CHUNK) - 1)
    return Spools(Pause(clock))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the spools. It does not exist until it is made."""
    folder = tmp_path / "spools"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def use(spools: Spools) -> bytes:
    with spools.open() as spool:
        spool.write(CHUNK)
        spool.write(CHUNK)
        return b"".join(spool.chunks())


def test_written_bytes_are_read(spools: Spools, folder: Path) -> None:
    folder.mkdir()
    assert use(spools) == 2 * CHUNK
    assert list(folder.iterdir()) == []
    assert try_folder() == str(folder)


def test_a_folder_that_cannot_be_written_is_a_lack(spools: Spools, folder: Path) -> None:
    for attempt in (lambda: use(spools), try_folder):
        with pytest.raises(ResourceExhausted, match="No such file or directory") as raised:
            attempt()
        assert raised.value.resource is Resource.SPOOL
        assert isinstance(raised.value.__cause__, OSError)


def test_no_other_spool_is_tried_for_a_while(spools: Spools, folder: Path, clock: Clock) -> None:
    with pytest.raises(ResourceExhausted):
        use(spools)
    folder.mkdir()
    clock.now += 1
    with pytest.raises(ResourceExhausted, match="No such file") as raised:
        use(spools)
    assert raised.value.retry_after_seconds == FIRST_PAUSE_SECONDS - 1
    clock.now += FIRST_PAUSE_SECONDS - 1
    assert use(spools) == 2 * CHUNK


def test_an_error_of_its_user_passes_through(spools: Spools, folder: Path) -> None:
    with pytest.raises(ConnectionError), spools.open():
        raise ConnectionError
    folder.mkdir()
    assert use(spools) == 2 * CHUNK
