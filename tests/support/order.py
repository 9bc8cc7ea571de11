"""The order of the tests, so that processes which share two processors keep them busy.

pytest-xdist gives each process an equal part of the list. A process that has done its part takes
tests from the end of the longest part that is left.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Protocol, TypeVar

TESTS = Path(__file__).parents[1]
# The tests with the real command mostly wait, the tests with a database mostly compute.
WAITING, COMPUTING = "acceptance", "integration"
# The rooms of the tests that take longest.
LONG_ROOMS = ("acceptance/faults", "acceptance/run", "acceptance/board")
# Their tests share what is dear to make: a browser, Node's packages.
ROOMS_IN_ONE_PROCESS = ("acceptance/board", "integration/nextjs")


class HasPath(Protocol):
    @property
    def path(self) -> Path: ...


Test = TypeVar("Test", bound=HasPath)


def processes() -> int:
    """How many processes run the tests."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def in_order(tests: Sequence[Test], parts: int) -> list[Test]:
    """The tests for so many processes. The tests of a file stay together, in their order.

    In each part the quick tests come last, because they can be taken over one by one. In one half
    of the parts the waiting tests come first, and in the other half the computing ones.
    """
    waiting, computing = (_dealt(_below(room, tests), parts) for room in (WAITING, COMPUTING))
    slow = set(map(id, chain(*waiting, *computing)))
    quick = [test for test in tests if id(test) not in slow]
    ordered: list[Test] = []
    for number in range(parts):
        halves = [waiting[number], computing[number]]
        part = list(chain(*(reversed(halves) if number % 2 else halves)))
        share = (len(tests) - len(ordered)) // (parts - number)
        count = max(0, share - len(part))
        ordered += [*part, *quick[:count]]
        del quick[:count]
    return ordered + quick


def _below(room: str, tests: Iterable[Test]) -> list[Test]:
    return [test for test in tests if test.path.is_relative_to(TESTS / room)]


def _dealt(tests: Sequence[Test], parts: int) -> list[list[Test]]:
    """The files, one after the other to each part, those of :data:`LONG_ROOMS` first."""
    groups = [list(group) for _, group in groupby(sorted(tests, key=_group_of), key=_group_of)]
    groups.sort(key=lambda group: _rank_of(group[0].path))
    return [list(chain(*groups[number::parts])) for number in range(parts)]


def _group_of(test: HasPath) -> str:
    """What stays together: a file, or a whole room."""
    name = test.path.relative_to(TESTS).as_posix()
    return next((room for room in ROOMS_IN_ONE_PROCESS if name.startswith(f"{room}/")), name)


def _rank_of(path: Path) -> int:
    is_in = [path.is_relative_to(TESTS / room) for room in LONG_ROOMS]
    return is_in.index(True) if True in is_in else len(is_in)
