"""``sweep`` asks the CDN for new pictures."""

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.running_command import StoryboardWorker
from tests.support.sentry_server import SentryServer
from tests.support.tallies import tally


def test_a_picture_that_was_deleted_raises_the_alarm_once(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
) -> None:
    enqueue_panel(producer, origin)
    assert storyboard_worker("sweep").code == 0
    (upload,) = cloudinary.uploads
    cloudinary.delivery.delete(upload.public_id)

    off = storyboard_worker("sweep", "--no-process", "--json", CDN_CHECK="false")
    swept = storyboard_worker("sweep", "--no-process", "--json", SENTRY_DSN=sentry.dsn)
    again = storyboard_worker("sweep", "--json")

    assert (off.code, tally(off)["alarms"]) == (0, [])
    assert swept.code == 1
    (message,) = tally(swept)["alarms"]
    assert message.startswith("The CDN does not serve 1 of 1 new picture(s) (404: Resource not")
    assert [event["tags"]["alarm"] for event in sentry.events] == ["cdn"]
    assert (again.code, tally(again)["alarms"]) == (0, [])
    assert [one.method for one in cloudinary.requests] == ["POST", "HEAD"]
