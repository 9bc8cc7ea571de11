"""Whether a request comes from a page of our own."""

from enum import Enum
from urllib.parse import urlsplit

from werkzeug.wrappers import Request


class Sender(Enum):
    """``UNKNOWN``: the request does not say, as from a program or an old browser."""

    OURS = "ours"
    OTHER = "other"
    UNKNOWN = "unknown"


def sender_of(request: Request) -> Sender:
    """Which page sent the request, by Sec-Fetch-Site, else by Origin.

    Browsers send the first only over https and on this machine. Under our own policy for referrers
    a form's Origin is ``null``, which says nothing.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return Sender.OURS if site.lower() == "same-origin" else Sender.OTHER
    origin = request.headers.get("Origin")
    if origin is None or origin == "null":
        return Sender.UNKNOWN
    # A proxy may have changed Host. A page of another site can set neither.
    ours = {request.headers.get("Host"), request.headers.get("X-Forwarded-Host")}
    return Sender.OURS if _authority(origin) in ours else Sender.OTHER


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
