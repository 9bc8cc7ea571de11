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
# A spooled image of up to this size stays in memory, which is little even in sixteen slots.
MEMORY_BYTES = 1024 * 1024
# How much is written to find out whether there is room.
TRIAL_BYTES = 64 * 1024


class Spool:
    """Holds one image. Each method raises :class:`ResourceExhausted` when the file fails."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, chunk: bytes) -> None:
        with _translated():
            self._file.write(chunk)

    def chunks(self) -> Iterator[bytes]:
        """Everything that was written."""
        with _translated():
            self._file.seek(0)
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        with _translated():
            return self._file.read(CHUNK_BYTES)


class Spools:
    """Opens spools for all slots of a worker.

    After a spool has failed for lack of room, no spool is opened for a while. Rows that need
    one are put off; other rows are not affected.
    """

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._reason = ""

    @contextmanager
    def open(self) -> Iterator[Spool]:
        """A new spool. Raises :class:`ResourceExhausted`; so does any use of the spool."""
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
            # Closing tries again to write what could not be written, and fails again.
            with suppress(OSError):
                file.close()

    def _put_off(self, error: ResourceExhausted) -> ResourceExhausted:
        error.retry_after_seconds = self._pause.seconds_left
        return error


def try_folder() -> str:
    """Write a file into the folder of the spools, and return the folder's path.

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
