"""The ``postgresql://`` form of an address, as ``DATABASE_URL`` takes it."""

from urllib.parse import quote, urlencode

from psycopg import conninfo


def url_of(dsn: str) -> str:
    """For any DSN that libpq reads.

    Host and port are in the query, where a socket's folder must be.
    """
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items()}
    user, password = (quote(parts.pop(name, ""), safe="") for name in ("user", "password"))
    database = quote(parts.pop("dbname", ""), safe="")
    return f"postgresql://{user}:{password}@/{database}?{urlencode(parts)}"
