"""Two verdicts on the same bytes: the project's and Pillow's."""

import io
import random
import warnings

from PIL import Image

from storyboard_worker.transfer.images import ImageType, structure_of

MOST_PIECES = 12


def is_whole(image_type: ImageType, content: bytes) -> bool:
    structure = structure_of(image_type)
    structure.feed(content)
    return structure.is_whole


def is_whole_in_pieces(image_type: ImageType, content: bytes, chance: random.Random) -> bool:
    """The verdict on the file in chunks, cut as sockets might cut it."""
    structure = structure_of(image_type)
    places = sorted(chance.choices(range(len(content) + 1), k=chance.randrange(MOST_PIECES)))
    for begin, end in zip([0, *places], [*places, len(content)], strict=True):
        structure.feed(content[begin:end])
    return structure.is_whole


def pillow_decodes(content: bytes) -> bool:
    """Decode every pixel of the first picture. Missing bytes are an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]) as image:
                image.load()
        except Exception:  # noqa: BLE001  broken files raise a dozen kinds, some of them by chance
            return False
    return True
