"""Whether Sentry accepts events. The SDK does not say: it sends in the background and ignores the
answer."""

from dataclasses import dataclass

import certifi
import sentry_sdk
import urllib3
from sentry_sdk.consts import EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event

from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting.events import FINGERPRINT, LOGGER
from storyboard_worker.reporting.sdk import release_of
from storyboard_worker.settings.sentry import SentrySettings

TIMEOUT_SECONDS = 5.0
MAX_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is ``None`` when there was no answer; ``reason`` says why it failed."""

    status: int | None
    reason: str


class Posting(Transport):
    """Sends at once, and keeps the answer."""

    answer: Answer | None = None

    def capture_envelope(self, envelope: Envelope) -> None:
        assert self.parsed_dsn is not None
        auth = self.parsed_dsn.to_auth("storyboard-worker")
        pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False, ca_certs=certifi.where())
        try:
            response = pool.request(
                "POST",
                auth.get_api_url(EndpointType.ENVELOPE),
                body=envelope.serialize(),
                headers={
                    "Content-Type": "application/x-sentry-envelope",
                    "X-Sentry-Auth": auth.to_header(),
                },
            )
        except urllib3.exceptions.HTTPError as error:
            self.answer = Answer(None, type(error).__name__)
            return
        reason = response.headers.get("X-Sentry-Error", "")
        self.answer = Answer(response.status, reason)


def probe(settings: SentrySettings, redactor: Redactor) -> Answer:
    """Send one event of level «info», and return what the server said to it."""
    transport = Posting({"dsn": settings.dsn})
    client = sentry_sdk.Client(
        dsn=settings.dsn,
        environment=settings.environment,
        release=release_of(settings),
        transport=transport,
        default_integrations=False,
        auto_enabling_integrations=False,
    )
    event: Event = {
        "level": "info",
        "logger": LOGGER,
        "message": "storyboard-worker doctor: Sentry accepts events",
        "fingerprint": [FINGERPRINT, "doctor"],
    }
    client.capture_event(event)
    client.close()
    answer = transport.answer or Answer(None, "the SDK sent nothing")
    # Cut after redaction: half a secret would not be recognised.
    return Answer(answer.status, redactor.text(answer.reason)[:MAX_REASON_CHARACTERS])
