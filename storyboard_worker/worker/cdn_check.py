"""Asks the CDN for a few new pictures, as the last step that a browser takes.

A picture that was stored may still not be served: the account is disabled, the asset is deleted,
delivery is refused.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from storyboard_worker.queries.new_pictures import NewPicture, NewPictures
from storyboard_worker.transfer.cdn import Cdn, Seen, Sight
from storyboard_worker.wire.deadline import Deadline

MOST_PICTURES = 5
ALL_SECONDS = 6.0
ONE_SECONDS = 2.0
# One time-out may be chance.
SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Look:
    """What one sweep saw; ``example`` is one of those that are not served, if there are any.

    ``again``: of the ``unanswered``, those for which the sweep before got no answer either.
    """

    asked: int = 0
    served: int = 0
    refused: int = 0
    unanswered: int = 0
    again: int = 0
    example: tuple[NewPicture, Seen] | None = None

    @property
    def is_bad(self) -> bool:
        return self.refused > 0 or self.again > 0 or self.unanswered >= SEVERAL

    @property
    def is_good(self) -> bool:
        """Whether pictures are served and nothing speaks against it."""
        return self.served > 0 and self.refused + self.unanswered == 0


class CdnCheck:
    def __init__(self, pictures: NewPictures, cdn: Cdn) -> None:
        self._pictures = pictures
        self._cdn = cdn

    def look(self, ends_at: float, is_stopping: Callable[[], bool]) -> Look:
        """Ask for the newest pictures, until ``ends_at`` on the monotonic clock and for a few
        seconds at most.

        A picture is asked for once, even if it is refused: the CDN keeps its refusal for longer
        with each time that it is asked. After an answer that did not come it is asked for again.
        """
        found = self._pictures.since_last_look(MOST_PICTURES)
        ends_at = min(ends_at, time.monotonic() + ALL_SECONDS)
        seen = list(self._seen(takewhile(lambda _: not is_stopping(), found), ends_at))
        look = _look_of(seen)
        if look.unanswered:
            self._pictures.unanswered(_unanswered(seen)[0][0].ready_at)
        elif seen:
            self._pictures.looked_at(found[0].ready_at)
        return look

    def _seen(
        self, found: Iterable[NewPicture], ends_at: float
    ) -> Iterator[tuple[NewPicture, Seen]]:
        unanswered = 0
        for picture in found:
            seconds = min(ONE_SECONDS, ends_at - time.monotonic())
            if seconds <= 0 or unanswered == SEVERAL:
                return
            seen = self._cdn.look_at(picture.cdn_url, Deadline(seconds))
            unanswered += seen.sight is Sight.UNANSWERED
            yield picture, seen


def _unanswered(seen: Iterable[tuple[NewPicture, Seen]]) -> list[tuple[NewPicture, Seen]]:
    return [pair for pair in seen if pair[1].sight is Sight.UNANSWERED]


def _look_of(seen: list[tuple[NewPicture, Seen]]) -> Look:
    sights = [one.sight for _, one in seen]
    refused = [pair for pair in seen if pair[1].sight is Sight.REFUSED]
    unanswered = _unanswered(seen)
    return Look(
        asked=len(seen),
        served=sights.count(Sight.SERVED),
        refused=len(refused),
        unanswered=len(unanswered),
        again=sum(picture.was_unanswered for picture, _ in unanswered),
        example=next(iter(refused + unanswered), None),
    )
