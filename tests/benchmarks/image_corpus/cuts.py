"""Places to cut a file: anywhere, and after bytes that look like an end."""

import random
import re

from storyboard_worker.transfer.images import HEAD_BYTES, ImageType

ANYWHERE = 20
AT_MARKS = 8
BYTES_OFF_THE_END = (1, 2, 4, 12)
# After each of these, a check of single places might believe that the file is over.
MARKS = {
    ImageType.JPEG: re.compile(rb"\xff\xd9"),
    ImageType.PNG: re.compile(rb"IEND(?s:....)?"),
    ImageType.WEBP: re.compile(rb"VP8[ LX]|ANMF"),
}


def cuts_of(image_type: ImageType, content: bytes, chance: random.Random) -> list[int]:
    """Lengths to cut the file to, all shorter than the file."""
    marks = [found.end() for found in MARKS[image_type].finditer(content)]
    lengths = {
        *(chance.randrange(HEAD_BYTES, len(content)) for _ in range(ANYWHERE)),
        *chance.sample(marks, min(len(marks), AT_MARKS)),
        *(len(content) - missing for missing in BYTES_OFF_THE_END),
    }
    return sorted(length for length in lengths if HEAD_BYTES <= length < len(content))
