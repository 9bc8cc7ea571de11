"""Bringing the schema to the newest version, from wherever the package is installed."""

import contextlib
import io
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic import command
from storyboard_worker.database import Database
from storyboard_worker.models import VERSION_TABLE

_PACKAGE = Path(__file__).parent
# Inside the wheel the migrations lie in the package; in a checkout beside it.
_MIGRATIONS = (_PACKAGE / "migrations", _PACKAGE.parent / "alembic")


def upgrade(database: Database) -> list[str]:
    """Run the migrations that are missing; returns their revisions, oldest first.

    Raises :class:`DatabaseUnavailable`, also when another deployment holds the lock, or the
    table is too busy to be changed right now.
    """
    config = _config()
    with database.connect() as connection:
        before = _current(database)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    script = ScriptDirectory.from_config(config)
    missing = script.iterate_revisions("head", before or "base")
    return [revision.revision for revision in missing][::-1]


def upgrade_sql() -> str:
    """The same as SQL text, to be pasted where migrations are run by hand."""
    printed = io.StringIO()
    config = _config()
    config.output_buffer = printed
    # Alembic tells of each migration on the log as well; the SQL is enough.
    with contextlib.redirect_stderr(io.StringIO()):
        command.upgrade(config, "head", sql=True)
    return printed.getvalue()


def newest_revision() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _current(database: Database) -> str | None:
    with database.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "version_table_schema": "public"}
        )
        return context.get_current_revision()


def _config() -> Config:
    config = Config()
    location = next(folder for folder in _MIGRATIONS if folder.is_dir())
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
