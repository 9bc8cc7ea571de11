"""Texts on which redaction once took half a minute or hours do not slow the worker."""

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.producing import enqueue, storyboard
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, statuses

PARAMETERS = "=X-Tos-X-Tos-"
QUERIES = "?signature"
# The longest that each may be: a header line, an answer of Cloudinary's, a source_url.
REDIRECTS = [
    f"http://{PARAMETERS * 5_000}",
    f"http://127.0.0.1/{QUERIES * 6_500}",
    f"http://{'a' * 60_000}/",
]
REFUSALS = [f"no: {part * (900_000 // len(part))}" for part in (PARAMETERS, QUERIES)]
URLS = [
    f"https://127.0.0.1:1/{PARAMETERS * 1_200}",
    f"https://{'a' * 240}.example/?{QUERIES * 1_500}",
]
PATIENCE_SECONDS = 20.0


def test_no_row_waits_for_the_cleaning_of_texts(
    origin: Origin, cloudinary: Cloudinary, producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    worker = start_worker()
    worker.wait_for_log("worker ready")
    redirected = [
        enqueue_panel(producer, origin, f"{number}.jpg", [Answer(302, b"", {"Location": target})])
        for number, target in enumerate(REDIRECTS)
    ]
    eventually(lambda: statuses(producer) == {"failed": 3}, timeout_seconds=PATIENCE_SECONDS)
    for words in REFUSALS:
        cloudinary.misbehave(Answer(400, {"error": {"message": words}}))
    refused = [enqueue_panel(producer, origin, f"refused-{number}.jpg") for number in (1, 2)]
    eventually(lambda: statuses(producer) == {"failed": 5}, timeout_seconds=PATIENCE_SECONDS)
    for url in URLS:
        enqueue(producer, url, max_attempts=1)
    eventually(lambda: statuses(producer) == {"failed": 7}, timeout_seconds=PATIENCE_SECONDS)

    assert {storyboard(producer, id_)["error_code"] for id_ in redirected} == {"source_blocked"}
    assert {storyboard(producer, id_)["error_code"] for id_ in refused} == {"storage_rejected"}
    enqueue_panel(producer, origin, "good.jpg")
    eventually(lambda: statuses(producer) == {"failed": 7, "ready": 1})
