"""Runs groups of checks one after the other, each for a limited time."""

import queue
import threading
from collections.abc import Iterator, Sequence

from storyboard_worker.doctor.check import Check, CheckGroup, failed
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import log

# A little more than connecting may take, so that a failed connection can say why.
PATIENCE_SECONDS = 12.0

Found = list[Check]


def examine(groups: Sequence[tuple[str, CheckGroup]]) -> Iterator[Found]:
    """What each group of checks has found, in their order.

    A group that fails or takes too long yields one failed check under its name.
    """
    for name, group in groups:
        yield _bounded(name, group)


def _bounded(name: str, group: CheckGroup) -> Found:
    found: queue.SimpleQueue[Found] = queue.SimpleQueue()
    # A daemon: what hangs ends with the process.
    threading.Thread(
        target=lambda: found.put(_found_by(name, group)), name=f"check {name}", daemon=True
    ).start()
    try:
        return found.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        fix = "look at what it waits for; then run doctor again"
        return [failed(name, f"no answer within {PATIENCE_SECONDS:.0f} s", fix)]


def _found_by(name: str, group: CheckGroup) -> Found:
    found: Found = []
    try:
        found.extend(group())
    except DatabaseUnavailable as error:
        fix = "see the other checks of the database; then run doctor again"
        found.append(failed(name, f"the database refuses to be examined: {error}", fix))
    except SchemaOutdated:
        fix = "see the check «schema parts»"
        found.append(failed(name, "tables or columns are missing", fix))
    except Exception as error:  # noqa: BLE001  logged, and the other checks go on
        log.exception("a check failed unexpectedly")
        fix = "report it, with the stack in the log"
        found.append(failed(name, f"the check itself failed: {type(error).__name__}", fix))
    return found
