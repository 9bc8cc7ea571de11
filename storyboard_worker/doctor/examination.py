"""One look after the other, none of which may take for ever."""

import queue
import threading
from collections.abc import Iterator, Sequence

from storyboard_worker.doctor.check import Check, Room, failed
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import log

# A little more than connecting may take, so that whoever fails to can say why.
PATIENCE_SECONDS = 12.0

Found = list[Check]


def examine(rooms: Sequence[tuple[str, Room]]) -> Iterator[Found]:
    """What each room of checks has found, in their order; the name is told where one could not
    be looked at."""
    for name, room in rooms:
        yield _bounded(name, room)


def _bounded(name: str, room: Room) -> Found:
    found: queue.SimpleQueue[Found] = queue.SimpleQueue()
    # A daemon: what hangs ends with the process.
    threading.Thread(
        target=lambda: found.put(_looked_at(name, room)), name=f"check {name}", daemon=True
    ).start()
    try:
        return found.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        fix = "look at what it waits for; then run doctor again"
        return [failed(name, f"no answer within {PATIENCE_SECONDS:.0f} s", fix)]


def _looked_at(name: str, room: Room) -> Found:
    found: Found = []
    try:
        found.extend(room())
    except DatabaseUnavailable as error:
        fix = "see the other checks of the database; then run doctor again"
        found.append(failed(name, f"the database does not let us look: {error}", fix))
    except SchemaOutdated:
        fix = "see the check «schema parts»"
        found.append(failed(name, "tables or columns are missing", fix))
    except Exception as error:  # noqa: BLE001  logged, and the other checks go on
        log.exception("a check broke")
        fix = "report it, with the stack in the log"
        found.append(failed(name, f"the check itself broke: {type(error).__name__}", fix))
    return found
