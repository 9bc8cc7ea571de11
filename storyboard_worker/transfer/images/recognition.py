"""The type of an image by its first bytes."""

from enum import StrEnum

HEAD_BYTES = 16


class ImageType(StrEnum):
    """The types that are accepted, under Cloudinary's names for formats."""

    JPEG = "jpg"
    PNG = "png"
    WEBP = "webp"


def recognise(head: bytes) -> ImageType | None:
    """The type by the first :data:`HEAD_BYTES`, or ``None`` for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return ImageType.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageType.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ImageType.WEBP
    return None
