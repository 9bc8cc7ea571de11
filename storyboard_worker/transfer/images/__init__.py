"""What can be told of an image from its bytes as they pass, without decoding it.

The first bytes name its type. Its structure tells where it ends: a reader for each format steps
over what the format itself says the length of, keeps a few bytes, and gives the same verdict
however the bytes are cut into chunks. What follows the end does not matter: decoders ignore it,
and cameras and programs append whole videos.
"""

from storyboard_worker.transfer.images.recognition import HEAD_BYTES, ImageType, recognise
from storyboard_worker.transfer.images.structure import Structure, structure_of

__all__ = ["HEAD_BYTES", "ImageType", "Structure", "recognise", "structure_of"]
