"""Checks all that libpq would use for a connection: the URL, its own variables, and files."""

import re
from collections.abc import Mapping

from psycopg import conninfo

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.certificates import check_certificates
from storyboard_worker.settings.libpq.parameters import (
    DATABASE_URL,
    SECRETS,
    VARIABLES,
    Given,
    check_value,
)
from storyboard_worker.settings.libpq.rehearsal import objection
from storyboard_worker.settings.libpq.rules import Rule, each, one_of

_DATE_STYLE = r"\s*(iso|sql|german|postgres\w*|[mdy]{3}|(non)?euro\w*|us|default)\s*"
# Variables without a parameter, which libpq sends to the server. PGTZ is another, but only the
# server knows its time zones.
SESSION_VARIABLES: dict[str, Rule] = {
    "PGDATESTYLE": each(
        lambda word: re.fullmatch(_DATE_STYLE, word.lower()) is not None, "a DateStyle like ISO"
    ),
    "PGGEQO": one_of("on", "off", "true", "false", "default"),
}


def check_connection(dsn: str, variables: Mapping[str, str]) -> None:
    """Raises :class:`SettingsError` for values that can never connect.

    ``dsn`` is in libpq's form. A variable counts where ``dsn`` lacks its parameter.
    """
    parameters = _parameters(dsn, variables)
    for given in parameters.values():
        check_value(given)
    for variable, rule in SESSION_VARIABLES.items():
        value = variables.get(variable)
        if value is not None and not rule.is_kept_by(value):
            given = Given(variable, value, variable, is_shown=True)
            raise given.refused(f"give {rule.allowed}")
    check_certificates(parameters, variables)
    _check_together(parameters)


def _check_together(parameters: Mapping[str, Given]) -> None:
    said = objection({name: given.value for name, given in parameters.items()})
    if said is None:
        return
    service = parameters.get("service")
    if service is not None and not service.is_shown:
        # libpq would repeat the name. Everything else that it repeats has been checked before.
        raise service.refused("give one that the service file has, with values that libpq takes")
    involved = {given.variable for given in parameters.values()} - {DATABASE_URL}
    names = " with ".join([DATABASE_URL, *sorted(involved)])
    raise SettingsError(f"{names} is refused by libpq: {said}")


def _parameters(dsn: str, variables: Mapping[str, str]) -> dict[str, Given]:
    # To libpq an empty variable is a value, unlike an empty setting of the worker.
    read = {name: variables.get(variable) for name, variable in VARIABLES.items()}
    found = {
        name: Given(name, value, VARIABLES[name], is_shown=name not in SECRETS)
        for name, value in read.items()
        if value is not None
    }
    in_url = conninfo.conninfo_to_dict(dsn).items()
    return found | {name: Given(name, str(value)) for name, value in in_url}


def secrets_of(dsn: str, variables: Mapping[str, str]) -> list[str]:
    """The passwords and keys that libpq would use, so that they can be redacted."""
    parameters = _parameters(dsn, variables)
    return [given.value for name, given in parameters.items() if name in SECRETS and given.value]
