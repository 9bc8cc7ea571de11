"""Which upstreams a process has paused, as a text in memory that others read."""

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

# Some fifty upstreams with long names. Those that have been paused for longest are kept.
PAUSES_BYTES = 4096
LENGTH_AND_CHECKSUM = struct.Struct("=II")
# A text that is being written is read again.
TRIES_TO_READ = 3


class Pause(NamedTuple):
    """Of one upstream, in moments of the monotonic clock. ``since`` is unknown for some."""

    until: float
    since: float | None


def write_pauses(memory: memoryview, pauses: Mapping[str, Pause]) -> None:
    text = _as_text(pauses)
    LENGTH_AND_CHECKSUM.pack_into(memory, 0, len(text), zlib.crc32(text))
    begins = LENGTH_AND_CHECKSUM.size
    memory[begins : begins + len(text)] = text


def read_pauses(memory: memoryview) -> dict[str, Pause]:
    """None, where the writer died in the middle of a text."""
    begins = LENGTH_AND_CHECKSUM.size
    for _ in range(TRIES_TO_READ):
        length, checksum = LENGTH_AND_CHECKSUM.unpack_from(memory)
        text = bytes(memory[begins : begins + length])
        if text and zlib.crc32(text) == checksum:
            return {upstream: Pause(*moments) for upstream, moments in json.loads(text).items()}
    return {}


def _as_text(pauses: Mapping[str, Pause]) -> bytes:
    """Nothing for none."""
    longest_first = sorted(pauses, key=lambda upstream: pauses[upstream].since or math.inf)
    while longest_first:
        text = json.dumps({upstream: pauses[upstream] for upstream in longest_first}).encode()
        if len(text) <= PAUSES_BYTES - LENGTH_AND_CHECKSUM.size:
            return text
        longest_first.pop()
    return b""
