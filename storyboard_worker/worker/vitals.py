"""How a worker is doing, as its process tells others."""

from collections.abc import Callable, Mapping


class Vitals:
    """Made first and handed to both HTTP and the worker, which fills it.

    HTTP reads it from other threads, and may do so before there is a worker: then the worker is
    not silent, takes no slot and does not listen. What other processes tell is nothing here,
    where HTTP and the worker share one.
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

    def loop_moved(self) -> None:
        """The claim loop has shown progress; called by its thread."""

    def loop_ends(self) -> None:
        """From now on the claim loop need not show progress, because the worker stops."""

    def ticked(self) -> None:
        """Some seconds have passed; called by the watchdog's thread."""

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

    @property
    def early_deaths(self) -> int:
        """How often one of several processes has died soon after its start, in a row."""
        return 0

    @property
    def database_errors(self) -> int:
        """How many transactions of other processes have failed."""
        return 0

    @property
    def pauses_begun(self) -> int:
        """How many pauses of upstreams have begun in other processes."""
        return 0

    def paused_seconds(self) -> Mapping[str, float]:
        """For how long other processes will leave each paused upstream alone."""
        return {}

    def lasting_seconds(self) -> Mapping[str, float]:
        """For how long other processes have left each paused upstream alone."""
        return {}
