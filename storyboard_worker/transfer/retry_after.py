"""The ``Retry-After`` header (RFC 9110, section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the upstream asks to be left alone; ``None`` if it does not say so readably.

    A date is compared with the answer's own ``Date``, so that this machine's clock does not
    matter. Without a ``Date`` it is compared with this machine's clock.
    """
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    if raw.isdecimal():
        return float(raw)
    moment = _date(raw)
    if moment is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _date(raw: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
