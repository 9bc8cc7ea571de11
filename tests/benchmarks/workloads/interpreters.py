"""The worker on other interpreters of Python, while everything around it stays the same."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from tests.benchmarks.checks import check
from tests.benchmarks.comparison import Rivalry, copying_table, start_table
from tests.benchmarks.contestants import OURS, OURS_SIZE, Contestant
from tests.benchmarks.measure import Load, measure
from tests.benchmarks.report import Report
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table
from tests.benchmarks.turns import take_turns
from tests.benchmarks.upstreams import Conditions
from tests.benchmarks.workloads.copying import title_of
from tests.benchmarks.workloads.start import measure_start

FIRST = "the first"
NONE_NAMED = "Not measured: name the interpreters to compare with, each by --python."
# An extension that does not know the free-threaded build turns the lock on again when it is
# imported. So the lock is looked at after the worker's own imports.
ASK_VERSION = """
import platform, sys
import storyboard_worker.cli.run
locked = getattr(sys, "_is_gil_enabled", lambda: True)()
print("Python", platform.python_version() + ("" if locked else ", free-threaded"))
"""


def interpreters(stage: Stage) -> list[Report]:
    """Without ``--python`` a table that asks for it."""
    if not stage.options.pythons:
        return [Report(Table("interpreters", (), [], [NONE_NAMED]), {})]
    pythons = _by_version((sys.executable, *stage.options.pythons))
    large = Load(Conditions(1_000_000), stage.sized(1000, 100))
    small = Load(Conditions(4096), stage.sized(6000, 400))
    return [
        _copying(stage, "interpreters-1mb", pythons, large),
        _copying(stage, "interpreters-4kb", pythons, small),
        _start(stage, pythons),
    ]


def version_of(python: str) -> str:
    """What is measured, like «Python 3.14.1, free-threaded».

    Raises :class:`CheckFailedError` where the worker cannot be imported.
    """
    ended = subprocess.run([python, "-c", ASK_VERSION], check=False, capture_output=True, text=True)
    check(ended.returncode == 0, f"{python} cannot run the worker: {ended.stderr[-500:]}")
    return ended.stdout.strip()


def _by_version(pythons: tuple[str, ...]) -> dict[str, str]:
    found = {version_of(python): python for python in pythons}
    check(len(found) == len(pythons), f"of one version there are several: {', '.join(found)}")
    return found


def _copying(stage: Stage, name: str, pythons: Mapping[str, str], load: Load) -> Report:
    by_hash, by_size = _on_each(OURS, pythons), _on_each(OURS_SIZE, pythons)
    runs = {who.name: partial(measure, stage, who, load) for who in (*by_hash, *by_size)}
    found = take_turns(name, stage.options.rounds, runs)
    rivalry = Rivalry(FIRST, {**_beside_first(by_hash), **_beside_first(by_size)})
    return Report(copying_table(title_of(name, load), rivalry, found), found)


def _start(stage: Stage, pythons: Mapping[str, str]) -> Report:
    count = stage.sized(200, 30)
    contestants = _on_each(OURS, pythons)
    runs = {who.name: partial(measure_start, stage, who, count) for who in contestants}
    found = take_turns("interpreters-start", stage.options.rounds, runs)
    title = f"interpreters-start: {count} single rows, commit to the first byte asked of the source"
    return Report(start_table(title, Rivalry(FIRST, _beside_first(contestants)), found), found)


def _on_each(contestant: Contestant, pythons: Mapping[str, str]) -> list[Contestant]:
    kind = contestant.name.removeprefix(OURS.name)
    return [
        replace(contestant, name=f"{version}{kind}", program=python)
        for version, python in pythons.items()
    ]


def _beside_first(contestants: Sequence[Contestant]) -> dict[str, list[str]]:
    return {who.name: [contestants[0].name] for who in contestants}
