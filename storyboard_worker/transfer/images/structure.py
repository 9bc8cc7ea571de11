"""One reader for each type of image."""

from typing import Protocol

from storyboard_worker.transfer.images.jpeg import JpegStructure
from storyboard_worker.transfer.images.png import PngStructure
from storyboard_worker.transfer.images.recognition import ImageType
from storyboard_worker.transfer.images.webp import WebpStructure


class Structure(Protocol):
    """Follows the structure of one file, from its first byte on."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, of any number."""

    @property
    def is_whole(self) -> bool:
        """Whether the end that the format requires has passed."""


_STRUCTURES: dict[ImageType, type[Structure]] = {
    ImageType.JPEG: JpegStructure,
    ImageType.PNG: PngStructure,
    ImageType.WEBP: WebpStructure,
}


def structure_of(image_type: ImageType) -> Structure:
    """A new reader for a file that was recognised as ``image_type``."""
    return _STRUCTURES[image_type]()
