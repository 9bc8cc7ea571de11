"""How a worker is doing, as its process tells others."""

from collections.abc import Callable


class Vitals:
    """Made first and handed to both HTTP and the worker, which fills it.

    HTTP reads it from other threads, and may do so before there is a worker: then the worker is
    not silent, takes no slot and does not listen.
    """

    def __init__(self) -> None:
        self._silent_seconds: Callable[[], float] = float
        self._slots_taken: Callable[[], int] = int
        self._listening: Callable[[], bool] = bool

    def fill(
        self,
        *,
        silent_seconds: Callable[[], float],
        slots_taken: Callable[[], int],
        listening: Callable[[], bool],
    ) -> None:
        """From now on these are called, from any thread, whenever a reading is asked for."""
        self._silent_seconds = silent_seconds
        self._slots_taken = slots_taken
        self._listening = listening

    @property
    def silent_seconds(self) -> float:
        """For how long the claim loop has shown no progress."""
        return self._silent_seconds()

    @property
    def slots_taken(self) -> int:
        """How many attempts are under way."""
        return self._slots_taken()

    @property
    def listening(self) -> bool:
        """Whether notifications have been proven to arrive."""
        return self._listening()
