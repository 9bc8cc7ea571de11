"""The ``postgresql://`` form of an address, as ``DATABASE_URL`` takes it."""

from urllib.parse import quote, urlencode

from psycopg import conninfo


def url_of(dsn: str) -> str:
    """For whatever libpq reads; host and port stand in the query, as a socket's folder must."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items()}
    user, password = (quote(parts.pop(name, ""), safe="") for name in ("user", "password"))
    database = quote(parts.pop("dbname", ""), safe="")
    return f"postgresql://{user}:{password}@/{database}?{urlencode(parts)}"
