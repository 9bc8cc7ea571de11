"""The tally of a sweep, and the workers that it looks for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.acceptance.commands.running import Result

FIELDS = {
    *("rescued", "lost", "expired", "processed", "ready", "retried", "failed", "released"),
    *("alarms", "seconds", "complete"),
}
Register = Callable[[str, timedelta], None]
ENDS = ("ready", "retried", "failed", "released")


def tally(result: Result) -> dict[str, Any]:
    """The tally that ``--json`` prints; it has all its fields and adds up."""
    found: dict[str, Any] = result.json
    assert found.keys() == FIELDS
    assert found["processed"] == sum(found[end] for end in ENDS)
    return found
