"""The pace of a worker in the middle of its work, as the storage counts it."""

import subprocess
import time

from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.contestants import Contestant, check_running
from tests.benchmarks.upstreams import Upstreams

LOOK_SECONDS = 0.003


class Watched:
    """A worker that is under way, seen from the storage."""

    def __init__(
        self, contestant: Contestant, process: subprocess.Popen[str], upstreams: Upstreams
    ) -> None:
        self._contestant = contestant
        self._process = process
        self._upstreams = upstreams

    def wait_for(self, count: int) -> tuple[int, float]:
        """Wait until so many images are stored; how many are, and when that was."""
        wait_until(
            lambda: self._stored() >= count, f"{count} stored images", every_seconds=LOOK_SECONDS
        )
        return self.now()

    def now(self) -> tuple[int, float]:
        return self._stored(), time.monotonic()

    def pace(self, seconds: float) -> float:
        """Images a second over the next so many seconds."""
        stored_before, before = self.now()
        time.sleep(seconds)
        stored, now = self.now()
        return (stored - stored_before) / (now - before)

    def _stored(self) -> int:
        check_running(self._contestant, self._process)
        tally = self._upstreams.tally()
        check(tally.mismatched == 0, "a stored image was not as the source's")
        return tally.stored
