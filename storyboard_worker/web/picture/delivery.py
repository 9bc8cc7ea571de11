"""Puts transformations into the URL of a picture that Cloudinary delivers."""

import re

# https://cloudinary.com/documentation/image_transformations#transformation_url_structure
# The cloud's name is missing on a private CDN and may be on a host of one's own. A signed URL
# (s--…--) is good only as it is.
DELIVERY = re.compile(
    r"(?P<head>https?://[^/?#\s]+(?:/[^/?#\s]+)?/image/upload/)"
    r"(?P<tail>(?!s--)(?:[^/?#\s]+/)*?v[0-9]+/[^?#\s]+(?:\?[^#\s]*)?)"
)


def within(width: int) -> str:
    """The transformation that makes a wider picture so many pixels wide and no picture larger."""
    return f"c_limit,w_{width}"


def transformed(url: str, *transformations: str | None) -> str:
    """``url`` with ``transformations`` in this order, before those that it has.

    A URL of another form, like one of another host or a signed one, stays as it is.
    """
    parts = DELIVERY.fullmatch(url)
    wanted = [transformation for transformation in transformations if transformation]
    if parts is None or not wanted:
        return url
    return "".join((parts["head"], *(f"{part}/" for part in wanted), parts["tail"]))
