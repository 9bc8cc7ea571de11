"""What is told of pauses: those that last, and their ends."""

from dataclasses import dataclass

from storyboard_worker.errors import AttemptError


@dataclass(frozen=True, slots=True)
class Lasting:
    """An upstream has been left alone for ``seconds``, or could be asked again after so long;
    ``is_forgotten``: because no row was left to ask it."""

    upstream: str
    error: AttemptError
    seconds: float
    is_over: bool
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Recovery:
    """An upstream that was down answers well again, after ``seconds``."""

    upstream: str
    seconds: float
