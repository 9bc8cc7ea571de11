"""Bringing the schema to the newest version, from wherever the package is installed."""

import contextlib
import io
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationInfo
from alembic.script import ScriptDirectory

from alembic import command
from storyboard_worker.database import Database

_PACKAGE = Path(__file__).parents[1]
# Inside the wheel the migrations lie in the package; in a checkout beside it.
_MIGRATIONS = (_PACKAGE / "migrations", _PACKAGE.parent / "alembic")


def upgrade(database: Database) -> list[str]:
    """Run the migrations that are missing; returns their revisions, oldest first.

    Raises :class:`DatabaseUnavailable`, also when another deployment holds the lock, or the
    table is too busy to be changed right now.
    """
    applied: list[str] = []

    def note(*, step: MigrationInfo, **_: object) -> None:
        applied.extend(step.up_revision_ids)

    config = _config()
    config.attributes["on_version_apply"] = note
    with database.patient() as holder, database.patient() as connection:
        config.attributes["holder"] = holder
        config.attributes["connection"] = connection
        config.attributes["on_begin"] = database.watch
        command.upgrade(config, "head")
    return applied


def upgrade_sql(since: str | None = None) -> str:
    """The same as SQL text, to be pasted where migrations are run by hand; with ``since`` only
    what is newer than that revision."""
    printed = io.StringIO()
    config = _config()
    config.output_buffer = printed
    # Alembic tells of each migration on the log as well; the SQL is enough.
    with contextlib.redirect_stderr(io.StringIO()):
        command.upgrade(config, f"{since}:head" if since else "head", sql=True)
    return printed.getvalue()


def newest_revision() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def revisions() -> list[str]:
    """All that this version knows, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _config() -> Config:
    config = Config()
    location = next(folder for folder in _MIGRATIONS if folder.is_dir())
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
