"""Whether the newest picture is served to those who look at it."""

from collections.abc import Iterator

from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.queries.new_pictures import NewPictures
from storyboard_worker.transfer.cdn import Cdn, Sight
from storyboard_worker.wire.deadline import Deadline

SECONDS = 5.0


def picture_checks(pictures: NewPictures, cdn: Cdn) -> Iterator[Check]:
    name = "newest picture"
    picture = pictures.newest()
    if picture is None:
        yield passed(name, "there is none yet")
        return
    seen = cdn.look_at(picture.cdn_url, Deadline(SECONDS))
    match seen.sight:
        case Sight.SERVED:
            yield passed(name, "the CDN serves it")
        case Sight.REFUSED:
            yield failed(
                name,
                f"the CDN does not serve it ({seen.reason})",
                f"storyboard-worker show {picture.storyboard_id}; look at the account in "
                "Cloudinary's console: is it disabled, is the asset deleted, do its security "
                "settings refuse delivery?",
            )
        case Sight.UNANSWERED:
            yield warned(
                name,
                f"the CDN does not answer ({seen.reason})",
                "look at https://status.cloudinary.com; is the CDN reachable from here?",
            )
        case Sight.UNKNOWN:
            yield passed(name, f"it cannot be told whether the CDN serves it ({seen.reason})")
