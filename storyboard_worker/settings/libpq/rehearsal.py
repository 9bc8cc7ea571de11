"""Connects to nowhere, to learn whether libpq accepts all parameters together."""

from collections.abc import Mapping

from psycopg import conninfo, pq

# /dev/null is not a folder, so no socket can be below it.
NOWHERE = "/dev/null/nowhere"


def objection(parameters: Mapping[str, str]) -> str | None:
    """Why libpq would not even try to connect with ``parameters``; ``None`` if it would.

    Uses no network. Rules give better errors for single parameters. This finds parameters that
    contradict each other, and wrong services and keys.
    """
    hosts = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", "").split(",")
    if parameters.get("host") and parameters.get("hostaddr") and len(hosts) != len(addresses):
        return f"could not match {len(hosts)} host names to {len(addresses)} hostaddr values"
    rehearsed = {
        **parameters,
        "host": ",".join([NOWHERE] * max(len(hosts), len(addresses))),
        "hostaddr": "",
        # With a password given, libpq does not look for a password file.
        "password": "unused",
        # GSS encryption is not possible over a Unix socket.
        "gssencmode": "disable",
    }
    # A password in another encoding is allowed and must not fail here.
    readable = {
        name: value.encode("utf-8", "replace").decode() for name, value in rehearsed.items()
    }
    connection = pq.PGconn.connect_start(conninfo.make_conninfo("", **readable).encode())
    said = connection.error_message.decode("utf-8", "replace")
    connection.finish()
    return None if NOWHERE in said else " ".join(said.split())
