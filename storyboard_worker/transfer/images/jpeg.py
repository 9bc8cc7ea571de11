"""Where a JPEG ends (ISO/IEC 10918-1, B.1.1 and B.2).

A JPEG is a chain of segments and scans. A segment is a marker and a length. A scan is the coded
picture, whose length is not given. It ends at the next marker, because inside a scan an FF is
followed by 00 or by the number of a restart. The content of segments is skipped: a thumbnail or
profile in it may contain end markers, and so may the tables between two scans.

Nearly all bytes of a JPEG belong to its scans, and most JPEGs have only one scan. In the last scan
a search for the two markers that matter passes over a whole chunk. It takes 1.7 ms at 8 MB, and
looking at each marker takes 3.9 ms (``python -m tests.benchmarks.image_cost``). The search is
stringzilla's, because ``bytes.find`` takes 9 ms.
"""

import re

import stringzilla

_START_OF_IMAGE = 0xD8
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA

_START_BYTES = 2
_LENGTH_BYTES = 2
_MOST_SEGMENT_BYTES = 2 + 0xFFFF

# Frames whose scans hold each component once (ISO/IEC 10918-1, table B.1): baseline, extended,
# lossless, and the two with arithmetic coding.
_SEQUENTIAL_FRAMES = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
# Three numbers within this range belong to tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# The places of the number of components in the headers of a frame and of a scan.
_FRAME_COMPONENTS_AT, _SCAN_COMPONENTS_AT = 7, 2

# The pattern leaves out FF (fill), 00 and D0 to D7 (parts of a scan), 01 and the reserved 02 to BF,
# which have no length. Stray bytes between segments are skipped, as libjpeg does.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_DECISIVE = (bytes([0xFF, _END_OF_IMAGE]), bytes([0xFF, _START_OF_IMAGE]))


class JpegStructure:
    """Whole as soon as an end of image follows the start of a scan.

    An end before any scan means that there is no picture, and a second start breaks the first
    picture off. Decoders give up at either, so the bytes after it do not count.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self._ended = False
        self._scan_began = False
        self._components = 0
        self._is_last_scan = False
        self._skip_bytes = _START_BYTES
        # The beginning of a marker whose rest is in the next chunk.
        self._carried = b""

    def feed(self, chunk: bytes) -> None:
        if self._ended:
            return
        if self._carried:
            chunk = self._carried + chunk
            self._carried = b""
        position = self._skip_bytes
        while position < len(chunk) and not self._ended:
            position = self._after_next_segment(chunk, position)
        self._skip_bytes = position - len(chunk)

    def _after_next_segment(self, chunk: bytes, position: int) -> int:
        """Where the next segment ends, maybe beyond the chunk.

        It is the end of the chunk if the next chunk is needed to tell.
        """
        if self._is_last_scan:
            position = _passed_over(chunk, position)
        found = _MARKER.search(chunk, position)
        if found is None:
            self._carried = b"\xff" if chunk.endswith(b"\xff") else b""
            return len(chunk)
        begin, end = found.span()
        marker = chunk[end - 1]
        # Behind it each segment is looked at, for there may be very many.
        self._is_last_scan = False
        if marker in {_START_OF_IMAGE, _END_OF_IMAGE}:
            self._ended = True
            self.is_whole = marker == _END_OF_IMAGE and self._scan_began
            return len(chunk)
        needed = _needed_bytes(marker)
        header = chunk[end : end + needed]
        if len(header) < needed:
            self._carried = chunk[begin:]
            return len(chunk)
        if marker in _FRAMES:
            self._components = header[-1] if marker in _SEQUENTIAL_FRAMES else 0
        elif marker == _START_OF_SCAN:
            self._scan_began = True
            self._is_last_scan = header[-1] == self._components != 0
        return end + int.from_bytes(header[:_LENGTH_BYTES], "big")  # it counts itself


def _needed_bytes(marker: int) -> int:
    """How much of a segment's header is read: the length, and the number of components."""
    if marker in _FRAMES:
        return _FRAME_COMPONENTS_AT + 1
    return _SCAN_COMPONENTS_AT + 1 if marker == _START_OF_SCAN else _LENGTH_BYTES


def _passed_over(chunk: bytes, position: int) -> int:
    """Where to look from within the last scan. A segment behind it may reach beyond the chunk: one
    that begins so late that it can. What looks like one there may be inside of another."""
    if any(stringzilla.find(chunk, marker, position) >= 0 for marker in _DECISIVE):
        return position
    late = max(position, len(chunk) - _MOST_SEGMENT_BYTES)
    return position if _MARKER.search(chunk, late) else len(chunk) - 1
