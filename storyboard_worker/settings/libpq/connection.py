"""All that libpq would make of a connection: the URL, its own variables, files."""

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
# Variables without a parameter, which libpq hands on to the server. PGTZ is another; only the
# server knows its zones.
SESSION_VARIABLES: dict[str, Rule] = {
    "PGDATESTYLE": each(
        lambda word: re.fullmatch(_DATE_STYLE, word.lower()) is not None, "a DateStyle like ISO"
    ),
    "PGGEQO": one_of("on", "off", "true", "false", "default"),
}


def check_connection(dsn: str, variables: Mapping[str, str]) -> None:
    """Raises :class:`SettingsError` for what could never connect.

    ``dsn`` is in libpq's form. Variables count where it says nothing.
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
        # libpq would repeat the name. What else it repeats has been checked word by word.
        raise service.refused("give one that the service file has, with values that libpq takes")
    involved = {given.variable for given in parameters.values()} - {DATABASE_URL}
    names = " with ".join([DATABASE_URL, *sorted(involved)])
    raise SettingsError(f"{names} is refused by libpq: {said}")


def _parameters(dsn: str, variables: Mapping[str, str]) -> dict[str, Given]:
    # Unlike our own settings, a variable of libpq's that is set to nothing is a value to it.
    read = {name: variables.get(variable) for name, variable in VARIABLES.items()}
    found = {
        name: Given(name, value, VARIABLES[name], is_shown=name not in SECRETS)
        for name, value in read.items()
        if value is not None
    }
    in_url = conninfo.conninfo_to_dict(dsn).items()
    return found | {name: Given(name, str(value)) for name, value in in_url}


def secrets_of(dsn: str, variables: Mapping[str, str]) -> list[str]:
    """Passwords and keys, wherever libpq takes them from, so that they can be kept out of sight."""
    parameters = _parameters(dsn, variables)
    return [given.value for name, given in parameters.items() if name in SECRETS and given.value]
