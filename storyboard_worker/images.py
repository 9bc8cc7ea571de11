"""What can be told of an image from its first and last bytes.

JPEG: ISO/IEC 10918-1 (SOI, EOI markers); PNG: W3C PNG, section 5 (signature, IEND); WebP:
RFC 9649, section 2.4 (RIFF header with the length of what follows).
"""

from enum import StrEnum

HEAD_BYTES = 16
TAIL_BYTES = 1024

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_RIFF_HEADER_BYTES = 8


class ImageType(StrEnum):
    """As Cloudinary names formats."""

    JPEG = "jpg"
    PNG = "png"
    WEBP = "webp"


def recognise(head: bytes) -> ImageType | None:
    """The type by the first :data:`HEAD_BYTES`, or ``None`` for anything else."""
    if head.startswith(_JPEG_START):
        return ImageType.JPEG
    if head.startswith(_PNG_SIGNATURE):
        return ImageType.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ImageType.WEBP
    return None


def is_whole(image_type: ImageType, head: bytes, tail: bytes, length_bytes: int) -> bool:
    """Whether the file ends as its type demands.

    ``tail``: its last :data:`TAIL_BYTES`. What some programs append after the end marker
    is allowed: decoders ignore it, and refusing it would lose a good image.
    """
    match image_type:
        case ImageType.JPEG:
            return _JPEG_END in tail
        case ImageType.PNG:
            return _PNG_END in tail
        case ImageType.WEBP:
            declared = int.from_bytes(head[4:8], "little")
            return length_bytes >= declared + _RIFF_HEADER_BYTES
