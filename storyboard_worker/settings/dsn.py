"""Turns the database's address from any ``postgres://`` form into what libpq reads.

Errors repeat nothing of a URL that cannot be read: any part of it may be a piece of the password.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from psycopg import ProgrammingError, conninfo

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.foreign import DROPPED, Pair, for_libpq
from storyboard_worker.settings.libpq.parameters import (
    DATABASE_URL,
    ENCODINGS,
    SECRETS,
    Given,
    check_value,
)
from storyboard_worker.settings.placeholders import as_a_whole, unfilled, within

EMBEDDED = "embedded"

EXAMPLE = "postgresql://user:password@host:5432/postgres"
ORIGIN = "where the database shows its connection string"

# libpq parses a URL like this: user and password end at the first @ before a /, host and port at
# the next / or ?, the database's name at the next ?.
_SHAPE = re.compile(
    r"(?P<user>[^@/]*@)?(?P<address>[^/?]*)(?P<path>/[^?]*)?(\?(?P<query>.*))?", re.DOTALL
)
# libpq needs these encoded in a value, other clients do not.
_ENCODED = str.maketrans({"=": "%3D", " ": "%20"})


def dsn_from_url(url: str) -> str:
    """The form of ``DATABASE_URL`` that libpq reads; ``embedded`` stays as it is.

    Drops a driver named in the scheme (``postgresql+psycopg://``) and parameters that only
    other clients know. Raises :class:`SettingsError`, without the password.
    """
    if url == EMBEDDED:
        return url
    if placeholder := as_a_whole(url):
        raise unfilled(DATABASE_URL, placeholder, ORIGIN)
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"postgres(ql)?(\+\w+)?", scheme):
        raise SettingsError(f"DATABASE_URL must begin with postgresql://, like {EXAMPLE}")
    parts = _take_apart(rest)
    if not parts.is_doubtful:
        _check_filled_in(parts)
    pairs = for_libpq(parts.parameters, are_shown=parts.are_parameters_shown)
    query = "&".join(f"{name}={value.translate(_ENCODED)}" for name, value in pairs)
    dsn = f"postgresql://{parts.user}{parts.address}{parts.path}{query and '?'}{query}"
    _check(dsn, {unquote(name) for name, _ in pairs if parts.are_parameters_shown})
    return dsn


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a URL as written: ``user`` with its @, ``path`` with its /."""

    user: str
    address: str
    path: str
    query: str

    @property
    def is_doubtful(self) -> bool:
        """The query may be the end of a password that has @ or / and then ? in it."""
        return "@" in self.query

    @property
    def are_parameters_shown(self) -> bool:
        # The parameter after a secret may be the rest of that secret.
        names = {unquote(pair.partition("=")[0]) for pair in self.query.split("&")}
        return not self.is_doubtful and names.isdisjoint(SECRETS)

    @property
    def parameters(self) -> list[Pair]:
        """The parameters that are not empty. Raises :class:`SettingsError`."""
        pairs = [pair.partition("=") for pair in self.query.split("&") if pair]
        if any(not separator and name not in DROPPED for name, separator, _ in pairs):
            raise _unreadable()
        # Kept as written: libpq decodes %20, but not a plus sign.
        return [(name, value) for name, _, value in pairs if value]


def _take_apart(rest: str) -> _Parts:
    found = _SHAPE.fullmatch(rest)
    assert found is not None
    parts = _Parts(*(found[name] or "" for name in ("user", "address", "path", "query")))
    # The text before such an @ is the end of a password. It would be used, and shown, as a host or
    # a database.
    if "@" in parts.address or "@" in parts.path:
        raise SettingsError(
            "DATABASE_URL has an @ in the wrong place: percent-encode what is special in user, "
            f"password and database ({ENCODINGS})"
        )
    return parts


def _check_filled_in(parts: _Parts) -> None:
    user, _, password = parts.user.removesuffix("@").partition(":")
    # Without a user, the text after a colon may be the beginning of a password.
    address = parts.address if parts.user else parts.address.partition(":")[0]
    port = re.search(r":(PORT)(?=,|$)", address)
    secrets_or_names = [password, parts.path[1:], *(value for _, value in parts.parameters)]
    found = [
        within(unquote(user)),
        within(unquote(address)),
        port[1] if port else None,
        *(as_a_whole(unquote(text)) for text in secrets_or_names),
    ]
    for placeholder in found:
        if placeholder is not None:
            raise unfilled(DATABASE_URL, placeholder, ORIGIN)


def _check(dsn: str, shown: set[str]) -> None:
    """``shown`` are the parameters whose values errors may repeat."""
    try:
        parts = conninfo.conninfo_to_dict(dsn)
    except (ProgrammingError, UnicodeError) as error:
        raise _unreadable() from error
    for name, value in parts.items():
        check_value(Given(name, str(value), is_shown=name in shown))


def _unreadable() -> SettingsError:
    # Without libpq's message, which repeats text that libpq does not understand.
    return SettingsError(
        f"DATABASE_URL cannot be read: it looks like {EXAMPLE}, with what is special in user and "
        f"password percent-encoded ({ENCODINGS})"
    )
