"""Railway: how much time a worker has to stop."""

from collections.abc import Iterator, Mapping

from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.environment import Environment
from storyboard_worker.settings.reading import Settings

DRAINING = "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"
WANTED_SECONDS = 30


def platform_checks(variables: Mapping[str, str], settings: Settings) -> Iterator[Check]:
    """Yields nothing where the worker does not run on Railway."""
    if not any(name.startswith("RAILWAY_") for name in variables):
        return
    env = Environment(variables)
    if env.text(DRAINING) is None:
        yield warned(
            "railway",
            f"{DRAINING} is not set: a worker is killed at the moment it is asked to stop",
            f"set {DRAINING}={WANTED_SECONDS}",
        )
        return
    try:
        draining = env.seconds(DRAINING, 0, zero_allowed=True)
    except SettingsError:
        return  # reported with the settings
    if draining < settings.shutdown_grace_seconds:
        yield failed(
            "railway",
            f"kills after {draining:g} s, before the grace of "
            f"{settings.shutdown_grace_seconds:g} s is over",
            f"set {DRAINING}={settings.shutdown_grace_seconds:g}, or unset SHUTDOWN_GRACE_SECONDS",
        )
    else:
        yield passed("railway", f"gives a worker {draining:g} s to stop")
