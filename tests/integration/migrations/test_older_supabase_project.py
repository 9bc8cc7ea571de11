"""In older projects every role gets rights on each new table, function and sequence by default."""

import psycopg

from storyboard_worker.database import Database, schema
from tests.support.catalog import catalog

ROLES = "anon, authenticated, service_role"


def test_rights_are_the_same_whatever_the_defaults(
    empty: Database, empty_dsn: str, dsn: str
) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for kind in ("TABLES", "FUNCTIONS", "SEQUENCES"):
            connection.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON {kind} TO {ROLES}"
            )
    schema.upgrade(empty)
    assert catalog(empty_dsn) == catalog(dsn)
