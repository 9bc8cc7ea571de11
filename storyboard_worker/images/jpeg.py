"""Where a JPEG ends (ISO/IEC 10918-1, B.1.1 and B.2).

It is a chain of segments, each a marker and its length, and of scans: the coded picture, whose
length stands nowhere. A scan ends at the next marker, because in it an FF is followed by 00 or
by the number of a restart. Segments are stepped over unseen: a thumbnail or profile in them may
hold end markers of its own, and so may the tables between two scans.
"""

import re

_START_OF_IMAGE = 0xD8
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA

_START_BYTES = 2
_LENGTH_BYTES = 2

# Left out are FF (fill), 00 and D0 to D7 (parts of a scan), 01 and the reserved 02 to BF: none of
# them has a length. Bytes between segments that belong to none are passed over, as libjpeg does.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")


class JpegStructure:
    """Whole from the first end of image on that follows the start of a scan.

    An end before any scan leaves no picture, and a second start breaks the first one off.
    Decoders give up at either, so nothing behind it counts.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self._ended = False
        self._scan_began = False
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
        found = _MARKER.search(chunk, position)
        if found is None:
            self._carried = b"\xff" if chunk.endswith(b"\xff") else b""
            return len(chunk)
        begin, end = found.span()
        marker = chunk[end - 1]
        if marker in {_START_OF_IMAGE, _END_OF_IMAGE}:
            self._ended = True
            self.is_whole = marker == _END_OF_IMAGE and self._scan_began
            return len(chunk)
        length_field = chunk[end : end + _LENGTH_BYTES]
        if len(length_field) < _LENGTH_BYTES:
            self._carried = chunk[begin:]
            return len(chunk)
        self._scan_began = self._scan_began or marker == _START_OF_SCAN
        return end + int.from_bytes(length_field, "big")  # which counts itself
