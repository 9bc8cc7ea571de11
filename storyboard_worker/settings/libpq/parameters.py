"""The parameters that the installed libpq knows, and the values given for them."""

from dataclasses import dataclass

from psycopg import pq

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.rules import RULES

DATABASE_URL = "DATABASE_URL"
ENCODINGS = "@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
# A special character in the password moves a piece of it into one of these.
OFTEN_MISREAD = frozenset({"host", "port"})
MOST_SHOWN_CHARACTERS = 60
# libpq marks parameters that must not be shown with this.
HIDDEN = b"*"

_DEFAULTS = pq.Conninfo.get_defaults()
KNOWN = frozenset(option.keyword.decode() for option in _DEFAULTS)
VARIABLES = {
    option.keyword.decode(): option.envvar.decode()
    for option in _DEFAULTS
    if option.envvar is not None
}
SECRETS = frozenset(
    {option.keyword.decode() for option in _DEFAULTS if option.dispchar == HIDDEN}
    | {"scram_client_key", "scram_server_key"}
)


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter and the variable that it stands in.

    ``is_shown``: its value cannot be a piece of a password, so errors may repeat it.
    """

    name: str
    value: str
    variable: str = DATABASE_URL
    is_shown: bool = False

    def refused(self, fix: str) -> SettingsError:
        """The error for this value. ``fix`` says what to do instead."""
        is_short = self.value.isprintable() and len(self.value) <= MOST_SHOWN_CHARACTERS
        shown = f", {self.value!r}" if self.is_shown and is_short else ""
        if self.variable != DATABASE_URL:
            return SettingsError(
                f"{self.variable} has a wrong value: {fix}, or unset {self.variable}"
            )
        if self.name in OFTEN_MISREAD and not self.is_shown:
            fix += f", with what is special in user and password encoded ({ENCODINGS})"
        return SettingsError(f"{DATABASE_URL} has a wrong {self.name}{shown}: {fix}")


def check_value(given: Given) -> None:
    """Raises :class:`SettingsError` for a value that can never lead to a connection."""
    rule = RULES.get(given.name)
    if rule is not None and not rule.is_kept_by(given.value):
        raise given.refused(f"give {rule.allowed}")
