"""Real pictures: pretty ones for the demo, ones of any file size for tests and benchmarks.

A wanted file size is met by data that every decoder skips: application segments in JPEG
(ISO/IEC 10918-1, B.2.4.6), a private ancillary chunk in PNG (W3C PNG, 5.4), an unknown chunk
in WebP (RFC 9649, 2.7.1.6).
"""

import colorsys
import io
import random
import struct
import zlib
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, ImageOps

Format = Literal["JPEG", "PNG", "WEBP"]

NOISE_PIXELS = 24
SEGMENT_MAX_BYTES = 65_537  # marker, length, and the 65,533 bytes that the length can count
SEGMENT_OVERHEAD_BYTES = 4
PNG_END_BYTES = 12
PNG_CHUNK_OVERHEAD_BYTES = 12
WEBP_CHUNK_OVERHEAD_BYTES = 8
GOLDEN_RATIO = 0.618034
HILLS = 3
RIDGE_STEPS = 6


def draw(number: int, *, width: int, height: int, format: Format) -> bytes:  # noqa: A002  Pillow's word
    """Panel ``number`` of a storyboard: sky, sun, hills and its number; the same every time."""
    chance = random.Random(number)  # noqa: S311  for a picture, not for a secret
    # Steps of the golden ratio give neighbouring panels colours far apart.
    hue = number * GOLDEN_RATIO % 1
    picture = _grained(_landscape(hue, width, height, chance), chance)
    font = ImageFont.load_default(height // 8)
    place = width // 24, height // 30
    ImageDraw.Draw(picture).text(place, f"Panel {number}", "white", font)
    return _encoded(picture, format)


def random_image(byte_count: int, format: Format, seed: int) -> bytes:  # noqa: A002  Pillow's word
    """A small picture of noise in a file of exactly ``byte_count`` bytes.

    A WebP's length is always even: an odd ``byte_count`` gives one byte less. 4 KB is enough
    for each format; less than the picture itself needs raises :class:`ValueError`.
    """
    chance = random.Random(seed)  # noqa: S311  for a picture, not for a secret
    side = (NOISE_PIXELS, NOISE_PIXELS)
    noise = Image.frombytes("RGB", side, chance.randbytes(3 * NOISE_PIXELS * NOISE_PIXELS))
    image = _encoded(noise, format)
    match format:
        case "JPEG":
            return _padded_jpeg(image, byte_count, chance)
        case "PNG":
            return _padded_png(image, byte_count, chance)
        case "WEBP":
            return _padded_webp(image, byte_count, chance)


def _landscape(hue: float, width: int, height: int, chance: random.Random) -> Image.Image:
    gradient = Image.linear_gradient("L").resize((width, height))
    picture = ImageOps.colorize(gradient, _colour(hue, 0.7, 0.45), _colour(hue + 0.12, 0.35, 0.98))
    pencil = ImageDraw.Draw(picture)
    sun = chance.uniform(0.45, 0.9) * width, chance.uniform(0.15, 0.45) * height
    pencil.circle(sun, height * chance.uniform(0.06, 0.12), fill=(255, 244, 214))
    for layer in range(HILLS):
        ridge = _ridge(0.55 + 0.14 * layer, width, height, chance)
        outline = [(0.0, float(height)), *ridge, (float(width), float(height))]
        pencil.polygon(outline, fill=_colour(hue + 0.08, 0.55, 0.6 - 0.17 * layer))
    return picture


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _ridge(
    level: float, width: int, height: int, chance: random.Random
) -> list[tuple[float, float]]:
    return [
        (width * step / RIDGE_STEPS, height * (level + chance.uniform(-0.09, 0.09)))
        for step in range(RIDGE_STEPS + 1)
    ]


def _grained(picture: Image.Image, chance: random.Random) -> Image.Image:
    """With the grain of a generated image, which also gives the file a natural size."""
    grain = Image.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height))
    return Image.blend(picture, grain.convert("RGB"), 0.05)


def _encoded(picture: Image.Image, format: Format) -> bytes:  # noqa: A002  Pillow's word
    file = io.BytesIO()
    # Fast settings of PNG and WebP that still compress: the demo draws while it is watched.
    picture.save(file, format, quality=85, compress_level=2, method=1)
    return file.getvalue()


def _padding(image: bytes, byte_count: int, overhead_bytes: int) -> int:
    """How many bytes to add; :class:`ValueError` if none can make up the difference."""
    missing = byte_count - len(image)
    if missing < 0 or 0 < missing < overhead_bytes:
        raise ValueError(f"the smallest possible size is {len(image)} bytes, or a little more")
    return missing


def _padded_jpeg(image: bytes, byte_count: int, chance: random.Random) -> bytes:
    missing = _padding(image, byte_count, SEGMENT_OVERHEAD_BYTES)
    segments = []
    while missing:
        size = min(missing, SEGMENT_MAX_BYTES)
        if 0 < missing - size < SEGMENT_OVERHEAD_BYTES:
            size -= SEGMENT_OVERHEAD_BYTES  # leave room for a last segment
        payload = chance.randbytes(size - SEGMENT_OVERHEAD_BYTES)
        segments.append(b"\xff\xef" + struct.pack(">H", size - 2) + payload)
        missing -= size
    return b"".join([image[:2], *segments, image[2:]])


def _padded_png(image: bytes, byte_count: int, chance: random.Random) -> bytes:
    missing = _padding(image, byte_count, PNG_CHUNK_OVERHEAD_BYTES)
    if not missing:
        return image
    # Lower case, lower, upper, lower: ancillary, private, reserved, safe to copy.
    chunk = b"paDd" + chance.randbytes(missing - PNG_CHUNK_OVERHEAD_BYTES)
    framed = (struct.pack(">I", len(chunk) - 4), chunk, struct.pack(">I", zlib.crc32(chunk)))
    return b"".join([image[:-PNG_END_BYTES], *framed, image[-PNG_END_BYTES:]])


def _padded_webp(image: bytes, byte_count: int, chance: random.Random) -> bytes:
    # Only the extended format may hold chunks of unknown kinds.
    size = struct.pack("<I", NOISE_PIXELS - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size + size
    body = b"WEBP" + extended + image[12:]
    missing = _padding(b"RIFFsize" + body, byte_count // 2 * 2, WEBP_CHUNK_OVERHEAD_BYTES)
    if missing:
        payload = chance.randbytes(missing - WEBP_CHUNK_OVERHEAD_BYTES)
        body += b"PADD" + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body)) + body
