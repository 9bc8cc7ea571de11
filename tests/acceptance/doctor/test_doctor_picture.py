"""``doctor`` asks the CDN for the newest picture."""

import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.delivery import DELIVERY_REFUSED
from storyboard_worker.demo.faults import Answer
from tests.acceptance.doctor.patient import Patient
from tests.support.producing import READY, enqueue


@pytest.fixture
def published(patient: Patient, cloudinary: Cloudinary) -> Patient:
    patient.settings["SOURCE_ALLOW_PRIVATE"] = "true"
    cdn_url = f"{cloudinary.url}/demo/image/upload/v1/panel.jpg"
    enqueue(patient.owner, **{**READY, "cdn_url": cdn_url})
    return patient


def check_of(patient: Patient) -> tuple[str, str]:
    (check,) = [check for check in patient.examine() if check["name"] == "newest picture"]
    return check["status"], check["found"]


def test_the_newest_picture(published: Patient, cloudinary: Cloudinary) -> None:
    told = []
    for fault in (Answer(200), DELIVERY_REFUSED, Answer(503), Answer(302)):
        cloudinary.delivery.misbehave(fault)
        told.append(check_of(published))
    assert told == [
        ("pass", "the CDN serves it"),
        ("fail", "the CDN does not serve it (401: deny or ACL failure)"),
        ("warn", "the CDN does not answer (503)"),
        ("pass", "it cannot be told whether the CDN serves it (302)"),
    ]


def test_it_is_not_asked_for_where_that_is_turned_off(
    published: Patient, cloudinary: Cloudinary
) -> None:
    published.settings["CDN_CHECK"] = "false"
    assert "newest picture" not in [check["name"] for check in published.examine()]
    assert [one.method for one in cloudinary.requests if one.method == "HEAD"] == []
