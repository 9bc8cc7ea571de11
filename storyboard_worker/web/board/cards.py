"""Panels as a page shows them, and which version of each it shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from storyboard_worker.queries.board.panels import Panel
from storyboard_worker.web.texts.catalogue import Texts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# As many as a page holds, and some that were moved on it.
MOST_SHOWN = 200
# Of the characters of a name that shows nothing.
MOST_POINTS = 8


@dataclass(frozen=True, slots=True)
class Group:
    """The panels of one project on one page, in the order of their positions."""

    project: str | None
    panels: list[Panel]


def grouped(panels: Iterable[Panel]) -> list[Group]:
    """The project of the newest panel first."""
    by_project: dict[str | None, list[Panel]] = {}
    for panel in panels:
        by_project.setdefault(panel.project_id, []).append(panel)
    return [Group(project, sorted(found, key=_order)) for project, found in by_project.items()]


def version_of(panel: Panel) -> str:
    """Another whenever the row has changed: the microseconds of its ``updated_at``."""
    return str((panel.updated_at - EPOCH) // MICROSECOND)


def shown_by(raw: str) -> dict[UUID, datetime]:
    """What an open page shows: «id~version» for each panel. What cannot be read is left out."""
    found = {}
    for part in raw.split(",")[:MOST_SHOWN]:
        id_, _, version = part.partition("~")
        try:
            found[UUID(id_)] = EPOCH + int(version) * MICROSECOND
        except (ValueError, OverflowError):
            continue
    return found


def name_of(text: Texts, panel: Panel) -> str:
    """What a panel is called: its position in its project, else the beginning of its id."""
    if panel.position is None:
        return text("card.name_by_id", id=str(panel.id)[:8])
    return text("card.name", position=panel.position)


def project_name(text: Texts, project: str) -> str:
    """What a project is called: its name, or by its characters if they show nothing."""
    if not project:
        return text("gallery.empty_name")
    if any(character.isprintable() and not character.isspace() for character in project):
        return project
    points = " ".join(f"U+{ord(character):04X}" for character in project[:MOST_POINTS])
    return text("gallery.blank_name", characters=points)


def _order(panel: Panel) -> tuple[bool, int, float]:
    # Those without a position follow, the newest first.
    position = 0 if panel.position is None else panel.position
    return (panel.position is None, position, -panel.created_at.timestamp())
