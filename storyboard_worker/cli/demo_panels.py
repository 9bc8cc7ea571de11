"""The panels of the demo: which pictures, what is wrong with some, how each must end."""

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any, Literal

from storyboard_worker.cli.demo_sources import Sources
from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, CutFile, ServeBytes, SourceFault
from storyboard_worker.demo.origin import Origin
from storyboard_worker.errors import ErrorCode
from storyboard_worker.storyboard import Status

ERROR_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
# The smallest is the PNG's, which takes the longest to compress for its size.
SIZES = ((1280, 720), (640, 640), (768, 1024), (1024, 576))
Format = Literal["JPEG", "PNG", "WEBP"]
FORMATS: tuple[Format, ...] = ("JPEG", "PNG", "JPEG", "WEBP")
MOST_PANELS = 500
DAY_SECONDS = 86_400
DELIVERY_SECONDS = 10


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a panel, and how it must end because of it.

    ``attempts``: how many must be counted at the end; ``None`` where nothing is wrong.
    """

    words: str
    faults: tuple[SourceFault, ...] = ()
    error_code: ErrorCode | None = None
    attempts: int | None = None
    expired: bool = False
    max_attempts: int | None = None


TROUBLES = (
    Trouble("expired link", error_code=ErrorCode.SOURCE_EXPIRED, attempts=0, expired=True),
    # A 404 would be retried for a minute, because stores may show a new object late.
    Trouble(
        "file that is gone", (Answer(410, always=True),), ErrorCode.SOURCE_NOT_FOUND, attempts=1
    ),
    Trouble(
        "error page served as an image",
        (ServeBytes(ERROR_PAGE, "image/jpeg", always=True),),
        ErrorCode.IMAGE_INVALID,
        attempts=1,
    ),
    Trouble(
        "truncated file, every time",
        (CutFile(20_000, always=True),),
        ErrorCode.IMAGE_TRUNCATED,
        attempts=2,
        max_attempts=2,
    ),
    # One failure, not two: the second wait may be 6 s, which is long for a demo.
    Trouble("source fails once, then works", (Answer(503),), attempts=2),
    Trouble(
        # Waiting is not the panel's fault: the attempt is given back.
        "source asks to wait 2 s",
        (Answer(429, headers={"Retry-After": "2"}),),
        attempts=1,
    ),
)
GOOD = Trouble("")


@dataclass(frozen=True)
class Panel:
    """One picture and what must become of it; ``body`` is what the source serves."""

    number: int
    trouble: Trouble
    url: str
    body: bytes

    @property
    def expected_status(self) -> Status:
        return Status.READY if self.trouble.error_code is None else Status.FAILED


def plant(sources: Sources, count: int) -> Iterator[Panel]:
    """Draw ``count`` pictures and serve them, with the troubles spread among them."""
    from storyboard_worker.demo.pictures import draw  # noqa: PLC0415  needs the extra `demo`

    planted = zip(TROUBLES, sources.faulty, strict=True)
    troubled = dict(zip(_spread(count), planted, strict=True))
    looks = islice(cycle(zip(SIZES, FORMATS, strict=True)), count)
    for number, ((width, height), image_format) in enumerate(looks, 1):
        body = draw(number, width=width, height=height, format=image_format)
        trouble, origin = troubled.get(number, (GOOD, sources.good))
        yield plant_one(origin, number, image_format, body, trouble)


def plant_one(
    origin: Origin, number: int, image_format: Format, body: bytes, trouble: Trouble
) -> Panel:
    """Let ``origin`` serve ``body`` as panel ``number``, with the faults of ``trouble``."""
    name = f"storyboard/panel-{number:02}.{image_format.lower()}"
    content_type = f"image/{image_format.lower()}"
    origin.put(name, body, content_type=content_type, faults=trouble.faults)
    age = timedelta(seconds=2 * DAY_SECONDS if trouble.expired else 0)
    url = origin.sign(name, signed_at=datetime.now(UTC) - age, expires_seconds=DAY_SECONDS)
    return Panel(number, trouble, url, body)


def _spread(count: int) -> list[int]:
    """Panel numbers for the troubles, evenly among ``count``."""
    return [1 + (index * count) // len(TROUBLES) for index in range(len(TROUBLES))]


def verdict(cloudinary: Cloudinary, panel: Panel, row: dict[str, Any]) -> str:
    """What is wrong with a panel's row; empty when it is as expected."""
    trouble = panel.trouble
    if row["status"] != panel.expected_status:
        return f"must be {panel.expected_status}"
    if row["error_code"] != trouble.error_code:
        return f"must fail with {trouble.error_code}"
    if trouble.attempts not in (None, row["attempts"]):
        return f"must take {trouble.attempts} attempts"
    return _verdict_on_image(cloudinary, panel, row) if row["cdn_url"] else ""


def _verdict_on_image(cloudinary: Cloudinary, panel: Panel, row: dict[str, Any]) -> str:
    uploads = sum(upload.public_id == row["public_id"] for upload in cloudinary.uploads)
    if uploads != 1:
        return f"must be uploaded once, not {uploads} times"
    with urllib.request.urlopen(row["cdn_url"], timeout=DELIVERY_SECONDS) as answer:  # noqa: S310  our own server
        return "" if answer.read() == panel.body else "must be stored byte for byte"
