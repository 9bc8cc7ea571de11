"""What every transaction is like, whatever the server, the database or the role has as default.

All of it is set for the transaction alone (``SET LOCAL``), in the message that begins it: behind a
transaction pooler the next transaction may run in another session.
"""

# The server gives up a statement before the client gives up the connection: then the connection
# is kept.
STATEMENT_SHARE = 0.8
# A row that somebody else holds in a long transaction must not keep the few connections:
# a statement that wants it gives way and comes again.
LOCK_TIMEOUT_SECONDS = 0.5

SETTINGS = {
    # psycopg reads moments in this form only.
    "datestyle": "ISO",
    "timezone": "'UTC'",
    # Distances in seconds travel as text; fewer digits would round them.
    "extra_float_digits": "1",
    # Debian's server compiles what it takes for expensive: 200 ms for a statement of 0.04 ms.
    "jit": "off",
}
ISOLATION = "ISOLATION LEVEL READ COMMITTED"


class Session:
    """``timeout_seconds``: how long an exchange with the database may take."""

    def __init__(self, timeout_seconds: float) -> None:
        settings = {
            "statement_timeout": str(round(timeout_seconds * STATEMENT_SHARE * 1000)),
            "lock_timeout": str(round(LOCK_TIMEOUT_SECONDS * 1000)),
            **SETTINGS,
        }
        set_all = "; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items())
        # Rows locked by a machine that vanished within a transaction are free again after this.
        idle = f"SET LOCAL idle_in_transaction_session_timeout = {round(timeout_seconds * 1000)}"
        self.begin = f"BEGIN {ISOLATION}; {set_all}; {idle}"
        # For a message that is a transaction by itself.
        self.opening = f"SET TRANSACTION {ISOLATION}; {set_all}"
