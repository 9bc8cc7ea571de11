"""Each process gets some of every kind of test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.order import TESTS, in_order

FILES = {
    "unit/test_a.py": 40,
    "integration/web/test_b.py": 5,
    "integration/web/test_c.py": 5,
    "integration/nextjs/test_d.py": 2,
    "integration/nextjs/test_e.py": 2,
    "acceptance/commands/test_f.py": 3,
    "acceptance/commands/test_g.py": 3,
    "acceptance/run/test_h.py": 3,
    "acceptance/run/test_i.py": 3,
}


@dataclass(frozen=True)
class Found:
    path: Path
    number: int


TESTS_FOUND = [
    Found(TESTS / name, number) for name, many in FILES.items() for number in range(many)
]


def rooms_of(tests: Sequence[Found]) -> list[str]:
    """The rooms in the order in which a process comes to them."""
    return list(dict.fromkeys(test.path.relative_to(TESTS).as_posix() for test in tests))


def test_long_and_quick_ones_are_shared_and_never_the_same_at_once() -> None:
    ordered = in_order(TESTS_FOUND, 2)
    first, second = ordered[:33], ordered[33:]
    assert rooms_of(first) == [
        "acceptance/run/test_h.py",
        "acceptance/commands/test_f.py",
        "integration/nextjs/test_d.py",
        "integration/nextjs/test_e.py",
        "integration/web/test_c.py",
        "unit/test_a.py",
    ]
    assert rooms_of(second) == [
        "integration/web/test_b.py",
        "acceptance/run/test_i.py",
        "acceptance/commands/test_g.py",
        "unit/test_a.py",
    ]


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8, 100])
def test_none_is_lost_and_those_of_a_file_stay_in_their_order(parts: int) -> None:
    ordered = in_order(TESTS_FOUND, parts)
    assert sorted(ordered, key=TESTS_FOUND.index) == TESTS_FOUND
    for name in FILES:
        numbers = [test.number for test in ordered if test.path == TESTS / name]
        assert numbers == sorted(numbers)


def test_without_tests() -> None:
    assert in_order([], 4) == []
