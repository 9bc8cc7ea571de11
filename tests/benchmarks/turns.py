"""Several contestants, each measured several times, in turns."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

Figures = TypeVar("Figures")


def take_turns(
    workload: str, rounds: int, runs: Mapping[str, Callable[[], Figures]]
) -> dict[str, list[Figures]]:
    """The figures of every round, by contestant.

    The order is A B C A B C, so that a slow phase of the machine hits all of them.
    """
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(1, rounds + 1):
        for name, run in runs.items():
            began_at = time.monotonic()
            found[name].append(run())
            took = time.monotonic() - began_at
            click.echo(f"{workload} {number}/{rounds}: {name} ({took:.1f} s)", err=True)
    return found


def median(rounds: Sequence[Figures], figure: Callable[[Figures], float | None]) -> float | None:
    """The median of a figure over the rounds; ``None`` where it was not measured."""
    known = [value for value in map(figure, rounds) if value is not None]
    return statistics.median(known) if known else None


def sure_median(rounds: Sequence[Figures], figure: Callable[[Figures], float]) -> float:
    """The median of a figure that every round has."""
    return statistics.median(map(figure, rounds))
