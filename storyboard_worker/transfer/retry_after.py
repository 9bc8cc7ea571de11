"""When an upstream may be asked again: ``Retry-After`` (RFC 9110, section 10.2.3), and what
Cloudinary says instead."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from storyboard_worker.wire.answer import AnswerHead


def retry_after_seconds(head: AnswerHead) -> float | None:
    """How long the upstream asks to be left alone; ``None`` if it does not say so readably.

    A date is compared with the answer's own ``Date``, so that this machine's clock does not
    matter. Without a ``Date`` it is compared with this machine's clock.
    """
    raw = head.text(b"retry-after").strip()
    if not raw:
        return None
    if raw.isdecimal():
        return float(raw)
    return _seconds_until(_date(raw), head)


def rate_limit_reset_seconds(head: AnswerHead) -> float | None:
    """When Cloudinary's Admin API answers again; ``None`` unless its limit is used up.

    https://cloudinary.com/documentation/admin_api#usage_limits
    """
    if head.text(b"x-featureratelimit-remaining").strip() != "0":
        return None
    return _seconds_until(_date(head.text(b"x-featureratelimit-reset")), head)


def _seconds_until(moment: datetime | None, head: AnswerHead) -> float | None:
    if moment is None:
        return None
    now = _date(head.text(b"date")) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _date(raw: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
