"""Where a PNG ends (W3C PNG, sections 5.2 and 5.3): with the chunk ``IEND``.

A chunk begins with its length and ends with a checksum of four bytes. Checksums are not computed:
that is the decoder's work, and decoders ignore a wrong checksum of a chunk that they do not need.
"""

import struct

_SIGNATURE_BYTES = 8
_HEADER = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_LAST_TYPE = b"IEND"


class PngStructure:
    """Whole when the chunks lead to an ``IEND`` that is complete."""

    def __init__(self) -> None:
        self._skip_bytes = _SIGNATURE_BYTES
        self._found_last = False
        # The beginning of a header whose rest is in the next chunk.
        self._carried = b""

    @property
    def is_whole(self) -> bool:
        return self._found_last and not self._skip_bytes

    def feed(self, chunk: bytes) -> None:
        if self._carried:
            chunk = self._carried + chunk
        position = self._skip_bytes
        while not self._found_last and position + _HEADER.size <= len(chunk):
            length, chunk_type = _HEADER.unpack_from(chunk, position)
            position += _HEADER.size + length + _CHECKSUM_BYTES
            self._found_last = chunk_type == _LAST_TYPE
        self._carried = b"" if self._found_last else chunk[position:]
        self._skip_bytes = max(position - len(chunk), 0)
