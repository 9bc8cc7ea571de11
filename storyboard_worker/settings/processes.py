"""How many processes work: a number, or one for each core."""

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.cores import usable_cores
from storyboard_worker.settings.environment import Environment

AUTO = "auto"


def read_processes(env: Environment, worker_concurrency: int) -> int:
    """PROCESSES, at most one for each attempt at once. ``auto`` stops there by itself.

    Raises :class:`SettingsError` for any other value that is too large, or no number.
    """
    raw = env.text("PROCESSES")
    if raw == AUTO:
        return min(usable_cores(), worker_concurrency)
    if raw is None:
        return 1
    try:
        value = int(raw)
    except ValueError:
        value = 0
    if not 1 <= value <= worker_concurrency:
        raise SettingsError(
            f"PROCESSES must be a whole number above 0 and up to {worker_concurrency} "
            f"(WORKER_CONCURRENCY, which they share), or {AUTO}: one for each core"
        )
    return value
