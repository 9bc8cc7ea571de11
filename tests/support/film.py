"""The panels of one project, in a database and with a worker that others use as well."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg

from storyboard_worker.demo.faults import CutFile, SourceFault
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.producing import delete, moment, storyboard
from tests.support.waiting import eventually

# An error of the image's own, which says nothing of its host.
CUT = CutFile(at_bytes=5000)
HOUR_SECONDS = 3600.0


class Film:
    """A new project. A worker has to run."""

    def __init__(self, producer: psycopg.Connection, origin: Origin) -> None:
        self.project = f"film-{uuid4().hex[:8]}"
        self._producer = producer
        self._origin = origin

    def add_ready(self, position: int) -> UUID:
        """A panel that has its picture."""
        return self._settled(self.add(position), "ready")

    def add_failed(self, position: int) -> UUID:
        """A panel that has failed; another attempt will succeed."""
        return self._settled(self.add(position, [CUT], max_attempts=1), "failed")

    def add_waiting(self, position: int) -> UUID:
        """A panel that waits until :meth:`let_go`."""
        return self.add(position, available_at=moment(self._producer, HOUR_SECONDS))

    def let_go(self, storyboard_id: UUID) -> None:
        """It is copied now."""
        self._producer.execute(
            "UPDATE storyboards SET available_at = now() WHERE id = %s", [storyboard_id]
        )

    def add(self, position: int, faults: Sequence[SourceFault] = (), **columns: object) -> UUID:
        name = f"{self.project}-{position}.jpg"
        placed = {"project_id": self.project, "position": position, **columns}
        return enqueue_panel(self._producer, self._origin, name, faults, **placed)

    def delete(self, storyboard_id: UUID) -> None:
        delete(self._producer, storyboard_id)

    def _settled(self, storyboard_id: UUID, status: str) -> UUID:
        self.wait_for(storyboard_id, status)
        return storyboard_id

    def wait_for(self, storyboard_id: UUID, status: str) -> None:
        """Wait until the panel is in this status."""
        eventually(lambda: storyboard(self._producer, storyboard_id)["status"] == status)
