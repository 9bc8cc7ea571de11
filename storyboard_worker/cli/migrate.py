"""``migrate``."""

import click

from storyboard_worker import schema
from storyboard_worker.cli.assembly import assembled


@click.command(
    "migrate",
    epilog="""\b
Examples:
  storyboard-worker migrate
  storyboard-worker migrate --sql > supabase/migrations/20261101000000_storyboards.sql""",
)
@click.option("--sql", is_flag=True, help="Print the SQL instead, for a Supabase migration.")
def migrate_command(*, sql: bool) -> None:
    """Bring the schema to the newest version.

    Safe to run with every deployment: two at once wait for each other, and a table that is
    busy is left alone after a few seconds rather than blocked. With --sql no database is
    asked and no setting needed; the printed text does the same from the beginning.
    """
    if sql:
        click.echo(schema.upgrade_sql().strip())
        return
    with assembled() as parts:
        applied = parts.changing(lambda: schema.upgrade(parts.database))
    if applied:
        click.echo(f"migrated: {', '.join(applied)}")
    else:
        click.echo(f"nothing to do: the schema is at {schema.newest_revision()}")
