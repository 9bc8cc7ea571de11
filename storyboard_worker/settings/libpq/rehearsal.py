"""A connection that goes nowhere, to hear what libpq itself says of all parameters together."""

from collections.abc import Mapping

from psycopg import conninfo, pq

# A socket can never lie below what is no folder.
NOWHERE = "/dev/null/nowhere"


def objection(parameters: Mapping[str, str]) -> str | None:
    """Why libpq would not even try to connect with ``parameters``; ``None``: it would.

    Touches no network. Parameters that are wrong by themselves are told better by rules; this
    is for those that do not go together, and for services and keys.
    """
    hosts = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", "").split(",")
    if parameters.get("host") and parameters.get("hostaddr") and len(hosts) != len(addresses):
        return f"could not match {len(hosts)} host names to {len(addresses)} hostaddr values"
    rehearsed = {
        **parameters,
        "host": ",".join([NOWHERE] * max(len(hosts), len(addresses))),
        "hostaddr": "",
        # With one at hand libpq does not look for a file of passwords.
        "password": "unused",
        # Not possible over a socket of this machine.
        "gssencmode": "disable",
    }
    # A password in another encoding is none of our business, but must not stop us here.
    readable = {
        name: value.encode("utf-8", "replace").decode() for name, value in rehearsed.items()
    }
    connection = pq.PGconn.connect_start(conninfo.make_conninfo("", **readable).encode())
    said = connection.error_message.decode("utf-8", "replace")
    connection.finish()
    return None if NOWHERE in said else " ".join(said.split())
