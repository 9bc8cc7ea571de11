"""``migrate``."""

import click

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.cli.output import print_line, print_text, remark
from storyboard_worker.database import schema


@click.command(
    "migrate",
    epilog="""\b
Examples:
  storyboard-worker migrate
  storyboard-worker migrate --sql > supabase/migrations/20261101000000_storyboards.sql
  storyboard-worker migrate --sql --from 0003 > supabase/migrations/20261201000000_newer.sql""",
)
@click.option("--sql", is_flag=True, help="Print the SQL instead, for a Supabase migration.")
@click.option(
    "--from",
    "since",
    metavar="REVISION",
    help="With --sql: print only what is newer than this, the revision of the database.",
)
def migrate_command(*, sql: bool, since: str | None) -> None:
    """Bring the schema to the newest version.

    Safe to run with every deployment: two at once wait for each other, and a table that is
    busy is left alone after a few seconds rather than blocked. --sql needs no database and no
    setting: it prints the same steps as SQL, from the beginning or after the revision that
    --from names. On a database at another revision this SQL changes nothing, and says which
    revision to print from.
    """
    if sql:
        _print_sql(since)
        return
    if since is not None:
        raise click.UsageError(
            "--from needs --sql: without --sql the revision is read from the database"
        )
    with assembled() as parts:
        applied = parts.changing(lambda: schema.upgrade(parts.database))
    if applied:
        print_line(f"migrated: {', '.join(applied)}")
    else:
        print_line(f"nothing to do: the schema is at {schema.newest_revision()}")


def _print_sql(since: str | None) -> None:
    known = schema.revisions()
    if since is not None and since not in known:
        raise click.UsageError(f"--from {since!r} is none of the revisions {', '.join(known)}")
    if since == known[-1]:
        remark(f"nothing to print: {since} is the newest revision")
    else:
        print_text(schema.upgrade_sql(since).strip())
