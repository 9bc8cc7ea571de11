"""What it costs to follow an image's structure: ``python -m tests.benchmarks.image_cost``.

CPU time of one image of 8 MB, in the chunks that a socket gives, least of many runs. Beside it
stand what a look at its first and last bytes costs, which is the least that any check can do, and
the hash, which is computed of the same bytes on their way.
"""

import hashlib
import io
import time
from collections.abc import Callable

from PIL import Image

from storyboard_worker.demo.pictures import random_image
from storyboard_worker.transfer.images import HEAD_BYTES, recognise, structure_of
from tests.benchmarks.tables import Table, figure

BYTE_COUNT = 8 * 1024 * 1024
CHUNK_BYTES = 512 * 1024
TAIL_BYTES = 1024
RUNS = 60
NOISE_PIXELS = 3_200
MOST_OVER_MS = 2.0

Check = Callable[[list[bytes]], bool]


def by_structure(chunks: list[bytes]) -> bool:
    image_type = recognise(chunks[0][:HEAD_BYTES])
    assert image_type is not None
    structure = structure_of(image_type)
    for chunk in chunks:
        structure.feed(chunk)
    return structure.is_whole


def by_first_and_last_bytes(chunks: list[bytes]) -> bool:
    tail = b""
    for chunk in chunks:
        tail = chunk[-TAIL_BYTES:]
    return recognise(chunks[0]) is not None and len(tail) > 0


def by_hash(chunks: list[bytes]) -> bool:
    md5 = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        md5.update(chunk)
    return bool(md5.digest())


def scanned(*, progressive: bool) -> bytes:
    """A JPEG that is all scan, so that no byte can be skipped."""
    file = io.BytesIO()
    noise = Image.effect_noise((NOISE_PIXELS, NOISE_PIXELS), 80).convert("RGB")
    noise.save(file, "JPEG", quality=92, progressive=progressive)
    return file.getvalue()


def with_a_file_behind(image: bytes) -> bytes:
    return image + bytes(range(256)) * (BYTE_COUNT // 512)


def cost_ms(check: Check, image: bytes) -> float:
    """CPU time for 8 MB, whatever the size of the image."""
    chunks = [image[begin : begin + CHUNK_BYTES] for begin in range(0, len(image), CHUNK_BYTES)]
    measured = []
    for _ in range(RUNS):
        began = time.process_time()
        assert check(chunks)
        measured.append(time.process_time() - began)
    return min(measured) * 1000 * BYTE_COUNT / len(image)


def main() -> None:
    images = {
        "JPEG, one scan": scanned(progressive=False),
        "JPEG, progressive": scanned(progressive=True),
        "JPEG, half of it behind its end": with_a_file_behind(random_image(4_000_000, "JPEG", 1)),
        "JPEG, padded by segments": random_image(BYTE_COUNT, "JPEG", 1),
        "PNG": random_image(BYTE_COUNT, "PNG", 1),
        "WebP": random_image(BYTE_COUNT, "WEBP", 1),
    }
    rows = []
    for name, image in images.items():
        structure, last, md5 = (
            cost_ms(c, image) for c in (by_structure, by_first_and_last_bytes, by_hash)
        )
        over = figure(structure - last, f"≤ {MOST_OVER_MS:.0f}")
        rows.append([name, figure(last), figure(structure), over, figure(md5)])
    columns = ["first and last bytes", "structure", "over that", "MD5"]
    print(Table("CPU ms for 8 MB", columns, rows).markdown())


if __name__ == "__main__":
    main()
