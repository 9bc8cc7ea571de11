"""Where a JPEG ends (ISO/IEC 10918-1, B.1.1 and B.2).

A JPEG is a chain of segments and scans. A segment is a marker and a length. A scan is the coded
picture, whose length is not given. It ends at the next marker, because inside a scan an FF is
followed by 00 or by the number of a restart. The content of segments is skipped: a thumbnail or
profile in it may contain end markers, and so may the tables between two scans.

Nearly all bytes of a JPEG belong to its scans, where every 256th or so is an FF. A regular
expression stops at each and takes 3.9 ms at 8 MB. Here each byte is first translated to its class,
and then a pair of classes is searched for. Both are stringzilla's and take 0.8 ms together
(``python -m tests.benchmarks.image_cost``).
"""

import stringzilla

_START_OF_IMAGE = 0xD8
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA

_START_BYTES = 2
_LENGTH_BYTES = 2

_PREFIX = 0xFF
# Left out are FF (fill), 00 and D0 to D7 (parts of a scan), 01 and the reserved 02 to BF, which
# have no length. Stray bytes between segments are skipped, as libjpeg does.
_MARKERS = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xD8))
_OTHER_CLASS, _MARKER_CLASS, _PREFIX_CLASS = 0, 1, 2
_CLASSES = bytes(
    _PREFIX_CLASS if byte == _PREFIX else _MARKER_CLASS if byte in _MARKERS else _OTHER_CLASS
    for byte in range(256)
)
_PREFIX_AND_MARKER = bytes([_PREFIX_CLASS, _MARKER_CLASS])


class JpegStructure:
    """Whole as soon as an end of image follows the start of a scan.

    An end before any scan means that there is no picture, and a second start breaks the first
    picture off. Decoders give up at either, so the bytes after it do not count.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self._ended = False
        self._scan_began = False
        self._skip_bytes = _START_BYTES
        # The beginning of a marker or of its length, whose rest is in the next chunk.
        self._carried = b""

    def feed(self, chunk: bytes) -> None:
        if self._ended:
            return
        if self._carried:
            chunk = self._carried + chunk
            self._carried = b""
        position = self._skip_bytes
        if position < len(chunk):
            classes = stringzilla.translate(chunk, _CLASSES)
            while position < len(chunk) and not self._ended:
                position = self._after_next_segment(chunk, classes, position)
        self._skip_bytes = position - len(chunk)

    def _after_next_segment(self, chunk: bytes, classes: bytes, position: int) -> int:
        """Where the next segment ends, maybe beyond the chunk.

        It is the end of the chunk if the next chunk is needed to tell.
        """
        begin: int = stringzilla.find(classes, _PREFIX_AND_MARKER, position)
        if begin < 0:
            self._carried = b"\xff" if chunk.endswith(b"\xff") else b""
            return len(chunk)
        end = begin + len(_PREFIX_AND_MARKER)
        marker = chunk[end - 1]
        if marker in {_START_OF_IMAGE, _END_OF_IMAGE}:
            self._ended = True
            self.is_whole = marker == _END_OF_IMAGE and self._scan_began
            return len(chunk)
        length = chunk[end : end + _LENGTH_BYTES]
        if len(length) < _LENGTH_BYTES:
            self._carried = chunk[begin:]
            return len(chunk)
        self._scan_began = self._scan_began or marker == _START_OF_SCAN
        return end + int.from_bytes(length, "big")  # it counts itself
