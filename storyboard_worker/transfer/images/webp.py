"""Where a WebP ends (RFC 9649, sections 2.3 to 2.7): its RIFF header says its length."""

import struct

_RIFF_HEADER_BYTES = 8  # not included in the length
_HEADER = struct.Struct("<4xI4x4s")
_LEAST_LENGTH_BYTES = 12  # `WEBP` and the header of one chunk
_FIRST_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X"})


class WebpStructure:
    """Whole when as many bytes have passed as the header says, with room for a picture.

    A length without that room comes from a writer that never came back to fill it in.
    """

    def __init__(self) -> None:
        self._passed_bytes = 0
        self._header = b""

    def feed(self, chunk: bytes) -> None:
        self._passed_bytes += len(chunk)
        if len(self._header) < _HEADER.size:
            self._header += chunk[: _HEADER.size - len(self._header)]

    @property
    def is_whole(self) -> bool:
        if len(self._header) < _HEADER.size:
            return False
        length, first_chunk = _HEADER.unpack(self._header)
        return (
            first_chunk in _FIRST_CHUNKS
            and length >= _LEAST_LENGTH_BYTES
            and self._passed_bytes >= length + _RIFF_HEADER_BYTES
        )
