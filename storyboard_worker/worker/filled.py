"""What came of filling the free slots."""

from dataclasses import dataclass

# A claim right after another takes the interpreter from the attempt that is about to begin: with
# the pause a row starts 0.5 ms sooner (python -m tests.benchmarks start).
FOLLOW_UP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Filled:
    """``started`` attempts; ``look_again`` as soon as one ends: all slots are taken, so rows may be
    due that were not taken. ``held_back``: some upstreams were left alone, or rows that have to be
    tried one at a time, and any attempt that ends may open the way. ``left_free`` slots stayed
    without work, and ``withheld`` ones may not be used, for a lack of our own. ``unseen``: rows
    that have been tried before were not looked for; it is to be done in ``FOLLOW_UP_SECONDS``."""

    started: int
    look_again: bool
    held_back: bool
    left_free: int
    withheld: int = 0
    unseen: bool = False
