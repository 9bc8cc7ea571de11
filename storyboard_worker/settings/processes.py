"""How many processes work: a number, or one for each core."""

from storyboard_worker.errors import SettingsError
from storyboard_worker.resources.cores import usable_cores
from storyboard_worker.settings.environment import Environment

AUTO = "auto"
# One slot of so many is for rows that have failed before, at least one in each process. So with
# fewer slots such rows would take more than their share, and those of one slot would have no other.
SUSPECTS_SHARE = 4


def read_processes(env: Environment, worker_concurrency: int) -> int:
    """PROCESSES, so many that each has at least four slots. ``auto`` stops there by itself.

    Raises :class:`SettingsError` for any other value that is too large, or no number.
    """
    most = max(1, worker_concurrency // SUSPECTS_SHARE)
    if env.text("PROCESSES") == AUTO:
        return min(usable_cores(), most)
    try:
        return env.count("PROCESSES", 1, most=most)
    except SettingsError as error:
        raise SettingsError(
            f"PROCESSES must be a whole number above 0 and up to {most} (WORKER_CONCURRENCY is "
            f"{worker_concurrency}, and each of several processes needs {SUSPECTS_SHARE} slots), "
            f"or {AUTO}: one for each core"
        ) from error
