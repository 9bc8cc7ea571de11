"""Bytes that look like an end and are none, and ends that do not look like one."""

import struct
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.transfer.images import ImageType, structure_of
from tests.support.pieces import CUTS, is_whole, is_whole_byte_by_byte

START, END = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


FRAME = segment(0xC0, bytes(15))
SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\x00\x34"
COMMENT = segment(0xFE, b"\xff\xda\0\2" + END)

WHOLE_JPEGS = {
    "the least": START + FRAME + SCAN + END,
    "fill before the end": START + FRAME + SCAN + b"\xff" * 5 + END,
    "restarts": START + FRAME + SCAN + b"\xff\xd0\1\xff\xd7\2" + END,
    "reserved markers, as JPEG-LS has them in a scan": START + FRAME + SCAN + b"\xff\x7f\xff" + END,
    "two scans": START + FRAME + SCAN + COMMENT + SCAN + END,
    "a comment behind the scan": START + FRAME + SCAN + COMMENT + END,
    "bytes between segments": START + FRAME + b"\0\1\2" + SCAN + END,
    "an empty segment": START + segment(0xEF, b"") + FRAME + SCAN + END,
    "a length that does not count itself": START + b"\xff\xe0\0\0" + FRAME + SCAN + END,
    "a picture behind it": (START + FRAME + SCAN + END) * 2,
    "a picture behind it that breaks off": START + FRAME + SCAN + END + START + FRAME + SCAN,
}
BROKEN_JPEGS = {
    "no scan": START + FRAME + END,
    "no scan, but a picture behind": START + FRAME + END + START + FRAME + SCAN + END,
    "an end within a comment": START + FRAME + SCAN + COMMENT,
    "an end within tables between scans": START + FRAME + SCAN + segment(0xC4, END) + SCAN,
    "an end within a scan's header": START + FRAME + segment(0xDA, END * 5),
    "a scan and an end within metadata": START + segment(0xE1, SCAN + END) + FRAME,
    "a picture within one that breaks off": START + FRAME + SCAN + START + b"\0\2" + SCAN + END,
    "a restart in place of the end": START + FRAME + SCAN + b"\xff\xd1",
    "a zero between the end's bytes": START + FRAME + SCAN + b"\xff\0\xd9",
}

# The same with a frame whose first scan is its last.
ONE_FRAME = segment(0xC0, bytes(5) + b"\1" + bytes(9))
ONE_SCAN = segment(0xDA, b"\1" + bytes(9)) + b"\x12\xff\x00\x34"


def with_one_scan(jpegs: dict[str, bytes]) -> dict[str, bytes]:
    return {
        f"{name}, of one scan": body.replace(FRAME, ONE_FRAME).replace(SCAN, ONE_SCAN)
        for name, body in jpegs.items()
    }


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_chunk(name: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(name + payload)
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", checksum)


IHDR, IEND = png_chunk(b"IHDR", bytes(13)), png_chunk(b"IEND", b"")
WHOLE_PNGS = {
    "the least": SIGNATURE + IHDR + png_chunk(b"IDAT", b"x") + IEND,
    "an end that is not empty": SIGNATURE + IHDR + png_chunk(b"IEND", b"x" * 99),
    "a chunk of nothing": SIGNATURE + IHDR + png_chunk(b"teXt", b"") + IEND,
    "an end that is cut off, behind the end": SIGNATURE + IHDR + IEND + IEND[:-1],
}
BROKEN_PNGS = {
    "an end within a text": SIGNATURE + IHDR + png_chunk(b"teXt", IEND),
    "an end behind a length that lies": SIGNATURE
    + IHDR
    + b"\xff\xff\xff\xffIDAT"
    + bytes(99)
    + IEND,
    "an end that is not empty, cut": SIGNATURE + IHDR + png_chunk(b"IEND", b"x" * 99)[:-1],
    "the signature": SIGNATURE,
}


def webp(length: int, rest: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", length) + b"WEBP" + rest


WHOLE_WEBPS = {
    "the least": webp(12, b"VP8L\0\0\0\0"),
    "an odd length": webp(13, b"VP8 \1\0\0\0x"),
    "bytes behind": webp(12, b"VP8X\0\0\0\0" + bytes(99)),
}
BROKEN_WEBPS = {
    "a length of zero": webp(0, b"VP8L\0\0\0\0" + bytes(99)),
    "no room for a picture": webp(11, b"VP8L\0\0\0\0" + bytes(99)),
    "one byte missing": webp(14, b"VP8 \1\0\0\0x"),
    "another chunk first": webp(12, b"JUNK\0\0\0\0"),
    "the longest": webp(0xFFFFFFFF, b"VP8L\0\0\0\0"),
    "the header alone": webp(4, b""),
}


def cases(*of_formats: dict[str, bytes]) -> pytest.MarkDecorator:
    named = {name: body for bodies in of_formats for name, body in bodies.items()}
    return pytest.mark.parametrize("body", named.values(), ids=named)


@cases(WHOLE_JPEGS, with_one_scan(WHOLE_JPEGS), WHOLE_PNGS, WHOLE_WEBPS)
def test_it_is_whole(body: bytes) -> None:
    assert is_whole(body)
    assert is_whole_byte_by_byte(body)


@cases(BROKEN_JPEGS, with_one_scan(BROKEN_JPEGS), BROKEN_PNGS, BROKEN_WEBPS)
def test_it_is_not_whole(body: bytes) -> None:
    assert not is_whole(body)
    assert not is_whole_byte_by_byte(body)


@pytest.mark.parametrize("frame", [FRAME, ONE_FRAME])
@pytest.mark.parametrize("scan_bytes", [100_000, 131_072, 300_001])
@pytest.mark.parametrize(
    ("rest", "whole"),
    [
        (END, True),
        (b"", False),
        # One whose end is in the next chunk, and one that is passed over.
        (segment(0xFE, END * 30_000), False),
        (segment(0xFE, END * 30_000) + END, True),
        (segment(0xFE, END) + bytes(200_000) + END, True),
        (START + SCAN + END, False),
    ],
)
def test_a_long_scan(frame: bytes, scan_bytes: int, rest: bytes, *, whole: bool) -> None:
    body = START + frame + ONE_SCAN + bytes(scan_bytes) + rest
    for chunk_bytes in (65_536, 100_000, len(body)):
        assert is_whole(body, list(range(chunk_bytes, len(body), chunk_bytes))) is whole


@pytest.mark.parametrize("ending", [END, b""])
def test_what_looks_like_a_segment_inside_of_one_behind_a_long_scan(ending: bytes) -> None:
    comment = segment(0xFE, bytes(60_000) + b"\xff\xe1\xff\xff")
    body = START + ONE_FRAME + ONE_SCAN + bytes(100_000) + comment + bytes(9_000) + ending
    for end in range(100_000, len(body), 997):
        assert is_whole(body, [end]) is bool(ending)


def test_many_segments_behind_a_scan_take_no_longer_than_before_it() -> None:
    many = segment(0xFE, b"") * 130_000
    began_at = time.process_time()
    assert is_whole(START + many + ONE_FRAME + ONE_SCAN + END)
    before = time.process_time() - began_at
    assert is_whole(START + ONE_FRAME + ONE_SCAN + many + END)
    assert time.process_time() - began_at - before < 4 * before


# Few values, so that markers, chunks and lengths come about by chance.
JPEG_PARTS = [
    ONE_FRAME,
    ONE_SCAN,
    b"\xff",
    b"\xd8",
    END,
    b"\xda",
    b"\xe1",
    b"\xc4",
    b"\xd0",
    b"\0",
    b"\2",
    b"\3",
    SCAN,
]
PNG_PARTS = [b"\0\0\0", b"\0", b"\1", b"IEND", b"IDAT", b"I", b"x", IEND]
WEBP_PARTS = [b"\x0c\0\0\0", b"\x0d", b"\0", b"WEBP", b"VP8 ", b"VP8", b"x"]


def made_of(start: bytes, parts: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(parts), max_size=24).map(lambda some: start + b"".join(some))


@settings(max_examples=250, deadline=None)
@given(
    body=st.one_of(
        made_of(START + b"\xff", JPEG_PARTS),
        made_of(SIGNATURE, PNG_PARTS),
        made_of(b"RIFF\x0c\0\0\0WEBP", WEBP_PARTS),
    ),
    at=CUTS,
)
def test_the_verdict_does_not_depend_on_the_pieces(body: bytes, at: list[int]) -> None:
    assert is_whole(body) is is_whole(body, at) is is_whole_byte_by_byte(body)


ENDLESS = {
    ImageType.JPEG: (START + FRAME + SCAN, b"\1\xff\0\xff" + b"\xff\xd0" * 4_000),
    ImageType.PNG: (SIGNATURE + IHDR, png_chunk(b"IDAT", bytes(7_000)) + b"\0\0\0\0IDA"),
    ImageType.WEBP: (webp(0xFFFFFFFF, b"VP8 "), bytes(8_000)),
}


@pytest.mark.parametrize("image_type", ImageType)
def test_no_file_of_any_length_is_kept_in_memory(image_type: ImageType) -> None:
    start, part = ENDLESS[image_type]
    structure = structure_of(image_type)
    structure.feed(start)
    tracemalloc.start()
    for _ in range(200):
        structure.feed(part)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not structure.is_whole
    assert kept < 1_000
    assert most < 4 * len(part)
