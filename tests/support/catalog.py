"""The contents of a database's schema ``public``, to be compared with another's."""

from typing import Any

import psycopg

QUERIES = {
    "relations": """
        SELECT relname, relkind::text, relrowsecurity, relforcerowsecurity, reloptions,
               (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) AS a)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
    """,
    "columns": """
        SELECT relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
               pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
        AND attnum > 0 AND NOT attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    """,
    "triggers": """
        SELECT tgname, tgenabled::text, pg_get_triggerdef(t.oid)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    """,
    "functions": """
        SELECT proname, pg_get_functiondef(oid),
               (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) AS a)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "policies": "SELECT tablename, policyname, qual FROM pg_policies",
}


def catalog(dsn: str) -> dict[str, list[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {
            kind: sorted(connection.execute(query).fetchall(), key=repr)
            for kind, query in QUERIES.items()
        }


def version(dsn: str) -> str | None:
    """The revision that the database says it is at."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT version_num FROM storyboard_worker_version").fetchone()
    return None if row is None else row[0]
