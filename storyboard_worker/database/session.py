"""The settings of every transaction, whatever defaults the server, the database or the role has.

The message that begins a transaction sets them for that transaction alone (``SET LOCAL``). Behind
a transaction pooler the next transaction may run in another session.
"""

# The server gives up a statement before the client gives up the connection, so the connection
# is kept.
STATEMENT_SHARE = 0.8
# A row that another client locks for long must not block the few connections. A statement that
# needs it fails after this time and is repeated later.
LOCK_TIMEOUT_SECONDS = 0.5

SETTINGS = {
    # psycopg reads moments in this form only.
    "datestyle": "ISO",
    "timezone": "'UTC'",
    # Intervals in seconds travel as text. Fewer digits would round them.
    "extra_float_digits": "1",
    # Debian's server compiles statements that look expensive: 200 ms for one of 0.04 ms.
    "jit": "off",
}
ISOLATION = "ISOLATION LEVEL READ COMMITTED"
# A connection that falls silent within a transaction keeps its locks for so much of an exchange's
# time. It lets go before the exchange is given up, so the next try finds its rows free.
IDLE_SHARE = 0.8


class Session:
    """The statements that begin a transaction. An exchange may take ``timeout_seconds``."""

    def __init__(self, timeout_seconds: float) -> None:
        settings = {
            "statement_timeout": str(round(timeout_seconds * STATEMENT_SHARE * 1000)),
            "lock_timeout": str(round(LOCK_TIMEOUT_SECONDS * 1000)),
            **SETTINGS,
        }
        set_all = "; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items())
        idle_ms = round(timeout_seconds * IDLE_SHARE * 1000)
        idle = f"SET LOCAL idle_in_transaction_session_timeout = {idle_ms}"
        self.begin = f"BEGIN {ISOLATION}; {set_all}; {idle}"
        # Begins a message that is a whole transaction.
        self.opening = f"SET TRANSACTION {ISOLATION}; {set_all}"
        # The same for one that waits for no disk. A crash of the server may undo it.
        self.hasty_opening = f"{self.opening}; SET LOCAL synchronous_commit = off"
