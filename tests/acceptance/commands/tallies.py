"""The tally of a sweep."""

from typing import Any

from tests.acceptance.commands.running import Result

FIELDS = {
    *("rescued", "lost", "expired", "processed", "ready", "retried", "failed", "released"),
    *("alarms", "seconds", "complete"),
}
ENDS = ("ready", "retried", "failed", "released")


def tally(result: Result) -> dict[str, Any]:
    """The one that ``--json`` prints, which has all its fields and adds up."""
    found: dict[str, Any] = result.json
    assert found.keys() == FIELDS
    assert found["processed"] == sum(found[end] for end in ENDS)
    return found
