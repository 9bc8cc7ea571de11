"""What a check has found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    PASSED = "pass"
    WARNED = "warn"
    FAILED = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """``found`` in words; ``fix`` is what to type or set, ``None`` when nothing is wrong."""

    name: str
    status: Status
    found: str
    fix: str | None = None


CheckGroup = Callable[[], Iterator[Check]]


def passed(name: str, found: str) -> Check:
    return Check(name, Status.PASSED, found)


def warned(name: str, found: str, fix: str) -> Check:
    return Check(name, Status.WARNED, found, fix)


def failed(name: str, found: str, fix: str) -> Check:
    return Check(name, Status.FAILED, found, fix)


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier, for a fix that is typed."""
    return '"' + name.replace('"', '""') + '"'
