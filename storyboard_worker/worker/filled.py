"""What came of filling the free slots."""

from dataclasses import dataclass

# A claim right after another takes the interpreter from the attempt that is about to begin: with
# the pause a row starts 0.5 ms sooner (python -m tests.benchmarks start).
FOLLOW_UP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Filled:
    """``started``: attempts that were begun.

    ``look_again``: as soon as one ends. All slots are taken, so due rows may be left.
    ``held_back``: some due rows were not started, for an upstream that is paused or because they
    are tried one at a time; the end of any attempt may allow them. ``left_free`` slots stayed
    without work. ``withheld`` slots may not be used, for a lack of our own. ``unseen``: rows that
    have been tried before were not looked for; it is to be done in ``FOLLOW_UP_SECONDS``.
    """

    started: int
    look_again: bool
    held_back: bool
    left_free: int
    withheld: int = 0
    unseen: bool = False
