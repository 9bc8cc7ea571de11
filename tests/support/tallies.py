"""The tally of a sweep, and the registration of workers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.support.result import Result

FIELDS = {
    *("rescued", "lost", "expired", "processed", "ready", "retried", "failed", "released"),
    *("alarms", "seconds", "complete", "pruned"),
}
Register = Callable[[str, timedelta], None]
ENDS = ("ready", "retried", "failed", "released")


def tally(result: Result) -> dict[str, Any]:
    """The tally that ``--json`` prints. It must have all its fields and add up."""
    found: dict[str, Any] = result.json
    assert found.keys() == FIELDS
    assert found["processed"] == sum(found[end] for end in ENDS)
    return found
