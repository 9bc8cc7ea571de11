"""New panels for those who watch the board: a scene at a time, one of its panels with a fault."""

from datetime import timedelta

from storyboard_worker.cli.demo_panels import ERROR_PAGE, Trouble, plant_one
from storyboard_worker.cli.demo_sources import Sources
from storyboard_worker.demo.faults import Answer, CutFile, Drip, ServeBytes
from storyboard_worker.errors import ErrorCode
from storyboard_worker.queries.producer import NewPanel, Producer

SCENE_PANELS = 6
SECONDS_BETWEEN_PANELS = 5.0
SCENE_SECONDS = SCENE_PANELS * SECONDS_BETWEEN_PANELS
# The stand-ins keep all pictures in memory.
MOST_SCENES = 100
WIDTH, HEIGHT = 1024, 576

# So slow that a page shows it in progress.
SLOW = Trouble("slow source", (Drip(16_384, 0.4),))
# In the order of the sources, so that each fault has the host of its kin in the first panels. Each
# happens once: the source serves the picture when it is asked again.
FAULTS = (
    Trouble("link is refused", (Answer(403),), ErrorCode.SOURCE_FORBIDDEN, max_attempts=1),
    Trouble("file is gone", (Answer(410),), ErrorCode.SOURCE_NOT_FOUND),
    Trouble("error page", (ServeBytes(ERROR_PAGE, "image/jpeg"),), ErrorCode.IMAGE_INVALID),
    Trouble("file is cut", (CutFile(20_000),), ErrorCode.IMAGE_TRUNCATED, max_attempts=1),
    Trouble("source is down", (Answer(503),), ErrorCode.SOURCE_UNAVAILABLE, max_attempts=1),
    Trouble("source asks to wait 8 s", (Answer(429, headers={"Retry-After": "8"}),)),
)
# A fault that a retry fixes comes first.
FIRST_FAULT = 4


class Scenes:
    """Adds scenes to the table, as a web app does. Panels are numbered from ``next_number`` on."""

    def __init__(self, sources: Sources, producer: Producer, next_number: int) -> None:
        self._sources = sources
        self._producer = producer
        self._next_number = next_number
        self._count = 0

    def add(self) -> None:
        """Enqueue one more scene, whose panels become due one after the other.

        After :data:`MOST_SCENES` it does nothing.
        """
        if self._count == MOST_SCENES:
            return
        # At once: the worker looks for the next due row when the first of them wakes it.
        self._producer.add(*map(self._planted, range(SCENE_PANELS)))
        self._count += 1

    def _planted(self, index: int) -> NewPanel:
        from storyboard_worker.demo.pictures import draw  # noqa: PLC0415  needs the extra `demo`

        number = self._next_number
        self._next_number += 1
        trouble, origin = SLOW, self._sources.good
        if index == self._count % SCENE_PANELS:
            fault = (FIRST_FAULT + self._count) % len(FAULTS)
            trouble, origin = FAULTS[fault], self._sources.faulty[fault]
        body = draw(number, width=WIDTH, height=HEIGHT, format="JPEG")
        return NewPanel(
            source_url=plant_one(origin, number, "JPEG", body, trouble).url,
            project_id=f"demo, scene {self._count + 1}",
            position=number,
            max_attempts=trouble.max_attempts,
            due_in=timedelta(seconds=index * SECONDS_BETWEEN_PANELS),
        )
