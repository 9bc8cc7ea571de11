"""Where a page of panels begins."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SEPARATOR = "~"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The gap below one row in the order of panels, which is newest first.

    The row itself and all newer ones lie on the newer side. The row need not exist any more.
    """

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        """As text for a link; :meth:`read` reads it back."""
        return f"{self.created_at.isoformat()}{SEPARATOR}{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """The place that ``text`` names; ``None`` if it names none."""
        moment, _, id_ = text.partition(SEPARATOR)
        try:
            place = cls(datetime.fromisoformat(moment), UUID(id_))
        except ValueError:
            return None
        # Without its zone a moment would be read in that of the session.
        return place if place.created_at.tzinfo is not None else None
