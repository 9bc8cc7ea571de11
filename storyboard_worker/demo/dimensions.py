"""Format, width and height of an image, read from its header.

JPEG: ISO/IEC 10918-1, B.2.2 (frame header); PNG: W3C PNG, 11.2.1 (IHDR); WebP: RFC 9649,
sections 2.5 to 2.7.
"""

import struct
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# All markers from C0 to CF begin a frame, but these three: tables, reserved, arithmetic coding.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_FILL = 0xFF


@dataclass(frozen=True, slots=True)
class Dimensions:
    """``format`` as Cloudinary calls it."""

    format: str
    width: int
    height: int


def dimensions_of(image: bytes) -> Dimensions | None:
    """``None`` for what is no JPEG, PNG or WebP, or has no readable header."""
    try:
        if image.startswith(b"\xff\xd8\xff"):
            return _jpeg(image)
        if image.startswith(PNG_SIGNATURE):
            return Dimensions("png", *struct.unpack_from(">II", image, 16))
        if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
            return _webp(image)
    except (IndexError, struct.error):  # it ends within its header
        pass
    return None


def _jpeg(image: bytes) -> Dimensions | None:
    position = 2
    while image[position] == JPEG_FILL:
        marker = image[position + 1]
        if marker == JPEG_FILL:  # fill bytes may stand before a marker
            position += 1
            continue
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", image, position + 5)
            return Dimensions("jpg", width, height)
        position += 2 + int(struct.unpack_from(">H", image, position + 2)[0])
    return None


def _webp(image: bytes) -> Dimensions | None:
    match image[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", image, 26)
            # The two upper bits hold a scaling hint.
            return Dimensions("webp", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            (packed,) = struct.unpack_from("<I", image, 21)
            return Dimensions("webp", (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            width, width_top, height, height_top = struct.unpack_from("<HBHB", image, 24)
            return Dimensions(
                "webp", width + (width_top << 16) + 1, height + (height_top << 16) + 1
            )
    return None
