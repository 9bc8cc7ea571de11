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
    """``found`` in words; ``fix`` is what to type or set, ``None`` when nothing is amiss."""

    name: str
    status: Status
    found: str
    fix: str | None = None


Room = Callable[[], Iterator[Check]]


def passed(name: str, found: str) -> Check:
    return Check(name, Status.PASSED, found)


def warned(name: str, found: str, fix: str) -> Check:
    return Check(name, Status.WARNED, found, fix)


def failed(name: str, found: str, fix: str) -> Check:
    return Check(name, Status.FAILED, found, fix)


def quoted(name: str) -> str:
    """A name as SQL wants it, in a fix that is to be typed."""
    return '"' + name.replace('"', '""') + '"'
