"""The revisions of the schema, oldest first."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "alembic" / "versions"
REVISIONS = sorted(path.name.partition("_")[0] for path in FOLDER.glob("[0-9]*.py"))
NEWEST = REVISIONS[-1]


def later_than(revision: str) -> list[str]:
    return [each for each in REVISIONS if each > revision]
