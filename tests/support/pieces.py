"""Images in pieces, cut at any place as sockets cut them."""

from collections.abc import Iterable, Iterator

from hypothesis import strategies as st

from storyboard_worker.transfer.images import HEAD_BYTES, recognise, structure_of

CUTS = st.lists(st.integers(0, 1 << 16), max_size=8)


def pieces(body: bytes, at: Iterable[int]) -> Iterator[bytes]:
    """``body`` cut at these places, taken modulo its length; some pieces may be empty."""
    places = sorted(place % (len(body) + 1) for place in at)
    for begin, end in zip([0, *places], [*places, len(body)], strict=True):
        yield body[begin:end]


def is_whole(body: bytes, at: Iterable[int] = ()) -> bool:
    """The verdict on ``body`` when it arrives in pieces."""
    image_type = recognise(body[:HEAD_BYTES])
    assert image_type is not None
    structure = structure_of(image_type)
    for piece in pieces(body, at):
        structure.feed(piece)
    return structure.is_whole


def is_whole_byte_by_byte(body: bytes) -> bool:
    return is_whole(body, range(len(body)))
