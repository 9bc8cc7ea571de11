"""The spool: a bounded file for an image whose source does not say how long it is."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from storyboard_worker.errors import Resource, ResourceExhausted
from storyboard_worker.resources.exhaustion import exhausted_spool
from storyboard_worker.resources.restraint import Pause

CHUNK_BYTES = 256 * 1024
# Up to here a spooled image stays in memory; sixteen slots of it are still little.
MEMORY_BYTES = 1024 * 1024
# What is written to see whether there is room at all.
TRIAL_BYTES = 64 * 1024


class Spool:
    """One image. Each method raises :class:`ResourceExhausted` when the file fails."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, chunk: bytes) -> None:
        with _translated():
            self._file.write(chunk)

    def chunks(self) -> Iterator[bytes]:
        """All that was written."""
        with _translated():
            self._file.seek(0)
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        with _translated():
            return self._file.read(CHUNK_BYTES)


class Spools:
    """Opens spools, for all slots of a worker. After one has failed for want of room none is
    opened for a while: the rows that need one are put off, and the others go on."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._reason = ""

    @contextmanager
    def open(self) -> Iterator[Spool]:
        """Raises :class:`ResourceExhausted`, as whatever is done with the spool does."""
        if self._pause.seconds_left:
            raise self._put_off(ResourceExhausted(Resource.SPOOL, self._reason))
        file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  closed below
        try:
            yield Spool(file)
        except ResourceExhausted as error:
            if error.resource is not Resource.SPOOL:
                raise
            with self._lock:
                self._reason = error.detail
                self._pause.begin()
            raise self._put_off(error) from error.__cause__
        finally:
            # What could not be written is written once more when it is closed, in vain.
            with suppress(OSError):
                file.close()

    def _put_off(self, error: ResourceExhausted) -> ResourceExhausted:
        error.retry_after_seconds = self._pause.seconds_left
        return error


def try_folder() -> str:
    """Write a file where spools lie; the folder's path.

    Raises :class:`ResourceExhausted`.
    """
    with _translated(), tempfile.TemporaryFile() as file:
        file.write(bytes(TRIAL_BYTES))
        file.flush()
        return tempfile.gettempdir()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise exhausted_spool(error) from error
