"""A stand-in of Supabase's Realtime: its function, which notes messages in a table.

The real one is part of Supabase's own Postgres and cannot be had here. Its signature is that of
https://supabase.com/docs/guides/realtime/broadcast.
"""

from typing import Any

import psycopg
from psycopg.rows import dict_row

MESSAGES = """
CREATE SCHEMA IF NOT EXISTS realtime;
CREATE TABLE IF NOT EXISTS realtime.messages (
    id bigint GENERATED ALWAYS AS IDENTITY, payload jsonb, event text, topic text, private boolean
)
"""
SEND = """
CREATE OR REPLACE FUNCTION realtime.send(
    payload jsonb, event text, topic text, private boolean DEFAULT true
) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO realtime.messages (payload, event, topic, private)
    VALUES (payload, event, topic, private);
    {then}
END
$body$
"""
AT_REST = SEND.format(then="")
# It notes the message, so that a test sees that this is undone as well.
BROKEN = SEND.format(then="RAISE EXCEPTION 'cannot send %', payload;")
# Such an error is none of those that a handler of all others catches.
FAILED_ASSERT = SEND.format(then="ASSERT false;")
# Every message takes longer than a transaction waits for.
SLOW = SEND.format(then="PERFORM pg_sleep(0.3);")
CANCELLED = SEND.format(then="RAISE EXCEPTION 'ends' USING ERRCODE = 'query_canceled';")
GONE = "DROP FUNCTION realtime.send(jsonb, text, text, boolean)"


def install_realtime(connection: psycopg.Connection[Any]) -> None:
    """Install it, or bring back what a test has broken."""
    connection.execute(MESSAGES)
    connection.execute(AT_REST.encode())


def sent(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The messages since the last call, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "WITH gone AS (DELETE FROM realtime.messages RETURNING *) "
            "SELECT * FROM gone ORDER BY id"
        )
        return cursor.fetchall()
