"""Migrations one by one."""

from collections.abc import Callable

from alembic.config import Config

from alembic import command
from storyboard_worker.database import Database, schema


def by_alembic(database: Database, run: Callable[[Config], None]) -> None:
    """Run one of Alembic's commands on this database."""
    config = schema._config()
    with database.connect() as connection:
        config.attributes["connection"] = connection
        run(config)


def upgrade_to(database: Database, revision: str) -> None:
    by_alembic(database, lambda config: command.upgrade(config, revision))


def downgrade_to(database: Database, revision: str) -> None:
    by_alembic(database, lambda config: command.downgrade(config, revision))
