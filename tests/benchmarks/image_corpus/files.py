"""The images in an archive, by their first bytes and not by their names."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storyboard_worker.transfer.images import HEAD_BYTES, ImageType, recognise


@dataclass(frozen=True)
class ImageFile:
    name: str
    type: ImageType
    content: bytes


def images_in(archive: Path) -> Iterator[ImageFile]:
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            content = file.read()
            image_type = recognise(content[:HEAD_BYTES])
            if image_type is not None:
                yield ImageFile(f"{archive.name}:{member.name}", image_type, content)
