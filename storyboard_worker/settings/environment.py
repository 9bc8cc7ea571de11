"""Reads typed values from environment variables. Its errors name the fix.

No error repeats a value, because it may be a secret in the wrong variable.
"""

import math
from collections.abc import Mapping

from storyboard_worker.errors import SettingsError

MOST = 2**31 - 1  # the largest integer of Postgres
MOST_SECONDS = 7 * 86_400

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})


class Environment:
    """The variables. An empty one counts as not set.

    All methods raise :class:`SettingsError` for a value of another form.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str) -> str | None:
        return self._variables.get(name, "").strip() or None

    def count(self, name: str, default: int, *, most: int = MOST) -> int:
        """A whole number from 1 to ``most``."""
        raw = self.text(name)
        if raw is None:
            return default
        try:
            value = int(raw)
        except ValueError:
            value = 0
        if not 1 <= value <= most:
            raise SettingsError(
                f"{name} must be a whole number above 0 and up to {most}, like {default}"
            )
        return value

    def seconds(self, name: str, default: float, *, zero_allowed: bool = False) -> float:
        """A time in seconds, above 0 unless ``zero_allowed``."""
        raw = self.text(name)
        if raw is None:
            return default
        value = _float(raw)
        if not 0 <= value <= MOST_SECONDS or (value == 0 and not zero_allowed):
            bound = "0 or more" if zero_allowed else "above 0"
            raise SettingsError(
                f"{name} must be a number of seconds, {bound} and up to {MOST_SECONDS}, "
                f"like {default:g}"
            )
        return value

    def rate(self, name: str) -> float | None:
        """A share between 0 and 1, or ``None`` when not set."""
        raw = self.text(name)
        if raw is None:
            return None
        value = _float(raw)
        if not 0 <= value <= 1:
            raise SettingsError(f"{name} must be a number between 0 and 1, like 0.1")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false; ``default`` when not set."""
        raw = self.text(name)
        if raw is None:
            return default
        if raw.lower() not in TRUE | FALSE:
            raise SettingsError(f"{name} must be true or false")
        return raw.lower() in TRUE

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """One of ``options``, or ``None`` when not set."""
        raw = self.text(name)
        if raw is not None and raw not in options:
            raise SettingsError(f"{name} must be one of: {', '.join(options)}")
        return raw


def _float(raw: str) -> float:
    try:
        return float(raw)
    except ValueError:
        return math.nan
