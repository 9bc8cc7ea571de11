"""Where a JPEG ends (ISO/IEC 10918-1, B.1.1 and B.2).

It is a chain of segments, each a marker and its length, and of scans: the coded picture, whose
length stands nowhere. A scan ends at the next marker, because in it an FF is followed by 00 or
by the number of a restart. Segments are stepped over unseen: a thumbnail or profile in them may
hold end markers of its own, and so may the tables between two scans.

Nearly all bytes of a JPEG are its scan, and most have only one. There a search for the two markers
that matter passes over a chunk: 1.7 ms at 8 MB, where looking at each marker takes 3.9 ms
(``python -m tests.benchmarks.image_cost``). The search is stringzilla's, because ``bytes.find``
takes 9 ms for it.
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
# lossless, and the two that are coded arithmetically.
_SEQUENTIAL_FRAMES = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
# Tables stand under numbers among those of the frames.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Where a frame's and a scan's header say how many components they have.
_FRAME_COMPONENTS_AT, _SCAN_COMPONENTS_AT = 7, 2

# Left out are FF (fill), 00 and D0 to D7 (parts of a scan), 01 and the reserved 02 to BF: none of
# them has a length. Bytes between segments that belong to none are passed over, as libjpeg does.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_DECISIVE = (bytes([0xFF, _END_OF_IMAGE]), bytes([0xFF, _START_OF_IMAGE]))


class JpegStructure:
    """Whole from the first end of image on that follows the start of a scan.

    An end before any scan leaves no picture, and a second start breaks the first one off.
    Decoders give up at either, so nothing behind it counts.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self._ended = False
        self._scan_began = False
        self._components = 0
        self._is_last_scan = False
        self._skip_bytes = _START_BYTES
        # The beginning of a marker that the last chunk has cut apart.
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
        """Maybe beyond the chunk; its end when no more can be told without the next one."""
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
        return end + int.from_bytes(header[:_LENGTH_BYTES], "big")  # which counts itself


def _needed_bytes(marker: int) -> int:
    """Of a segment's header: its length, and up to how many components it has."""
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
