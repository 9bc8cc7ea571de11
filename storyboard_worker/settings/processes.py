"""How many processes work: a number, or one for each core."""

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.cores import usable_cores
from storyboard_worker.settings.environment import Environment

AUTO = "auto"


def read_processes(env: Environment, worker_concurrency: int) -> int:
    """PROCESSES, at most one for each attempt at once. ``auto`` stops there by itself.

    Raises :class:`SettingsError` for any other value that is too large, or no number.
    """
    if env.text("PROCESSES") == AUTO:
        return min(usable_cores(), worker_concurrency)
    try:
        return env.count("PROCESSES", 1, most=worker_concurrency)
    except SettingsError as error:
        raise SettingsError(
            f"PROCESSES must be a whole number above 0 and up to {worker_concurrency} "
            f"(WORKER_CONCURRENCY, which they share), or {AUTO}: one for each core"
        ) from error
