"""Whether Cloudinary and Sentry accept what a worker sends."""

from collections.abc import Iterator

from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.probe import probe
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.transfer.cloudinary_account import Account, AccountError

HTTP_OK = 200
HTTP_TOO_MANY = 429


def cloudinary_checks(settings: CloudinarySettings, max_image_bytes: int) -> Iterator[Check]:
    account = Account(settings)
    try:
        account.ping()
    except AccountError as error:
        yield failed("cloudinary", str(error), error.fix)
        return
    yield passed("cloudinary", f"the cloud {settings.cloud_name} accepts key and secret")
    try:
        limit = account.max_image_bytes()
    except AccountError as error:
        yield warned("cloudinary plan", f"its limits cannot be read: {error}", error.fix)
        return
    name = "cloudinary plan"
    if limit is None:
        yield passed(name, "states no limit for images")
    elif max_image_bytes > limit:
        yield warned(
            name,
            f"takes images up to {limit:,} bytes, MAX_IMAGE_BYTES allows {max_image_bytes:,}",
            f"set MAX_IMAGE_BYTES={limit}, or choose a larger plan",
        )
    else:
        yield passed(name, f"takes images up to {limit:,} bytes, MAX_IMAGE_BYTES fits")


def sentry_checks(settings: SentrySettings, redactor: Redactor) -> Iterator[Check]:
    answer = probe(settings, redactor)
    name = "sentry"
    if answer.status == HTTP_OK:
        yield passed(name, "accepts events: one titled «doctor» was sent")
    elif answer.status is None:
        yield failed(
            name,
            f"does not answer: {answer.reason}",
            "copy SENTRY_DSN anew, from Sentry, Project settings, Client keys; is the host "
            "reachable from here?",
        )
    elif answer.status == HTTP_TOO_MANY:
        yield warned(
            name, "limits our rate: events are lost", "raise the project's quota in Sentry"
        )
    else:
        yield failed(
            name,
            f"refuses events: {answer.status} {answer.reason}".rstrip(),
            "copy SENTRY_DSN anew, from Sentry, Project settings, Client keys",
        )
