"""A producer's session with the usual settings, whatever the defaults of database and role are."""

import psycopg

USUAL = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read\\ committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "standard_conforming_strings": "on",
    "search_path": "public",
    "statement_timeout": "0",
    "lock_timeout": "0",
}


def plain_session(dsn: str) -> psycopg.Connection:
    options = " ".join(f"-c {name}={value}" for name, value in USUAL.items())
    return psycopg.connect(dsn, autocommit=True, options=options)
