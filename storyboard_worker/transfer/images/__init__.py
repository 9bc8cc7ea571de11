"""What the bytes of an image say about it as they pass, without decoding it.

The first bytes show its type. Its structure shows where it ends. A reader for each format skips
the parts whose length the format gives, and keeps only a few bytes. Its verdict does not depend
on how the bytes are cut into chunks. Bytes after the end do not matter: decoders ignore them, and
cameras and programs append whole videos there.
"""

from storyboard_worker.transfer.images.recognition import HEAD_BYTES, ImageType, recognise
from storyboard_worker.transfer.images.structure import Structure, structure_of

__all__ = ["HEAD_BYTES", "ImageType", "Structure", "recognise", "structure_of"]
