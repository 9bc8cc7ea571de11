"""Copies one image in a process of its own and prints the peak of its memory.

The stand-ins hold whole images, so they run in another process. Arguments: the source's URL,
Cloudinary's URL, its key and its secret.
"""

import sys
import tracemalloc
from collections.abc import Sequence

from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.source import Source
from storyboard_worker.transfer.storage import Storage
from storyboard_worker.wire.deadline import Deadline
from tests.support.stage import claim_of, make_transfer, transport

WAIT_SECONDS = 30.0


def main(arguments: Sequence[str]) -> None:
    source_url, prefix, api_key, api_secret = arguments
    settings = CloudinarySettings("demo", api_key, api_secret, prefix)
    source = Source(transport(), allow_http=True)
    storage = Storage(transport(), settings)
    transfer = make_transfer(source, storage, max_image_bytes=100_000_000)
    tracemalloc.start()
    transfer.copy(Attempt(claim_of(source_url), Deadline(WAIT_SECONDS)))
    print(tracemalloc.get_traced_memory()[1])


if __name__ == "__main__":
    main(sys.argv[1:])
