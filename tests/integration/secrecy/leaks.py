"""The secrets of an attempt, and the search for them in every output."""

import io
import json
from urllib.parse import parse_qs, quote, urlsplit

from storyboard_worker.demo.pictures import random_image
from tests.support.attempting import Bench
from tests.support.sentry_server import SentryServer
from tests.support.signed_links import SIGNATURE

IMAGE = random_image(600_000, "JPEG", seed=2)
DATABASE_PASSWORD = "database-hunter2"


def secrets_of(bench: Bench, url: str) -> list[str]:
    query = parse_qs(urlsplit(url).query)
    signature = query.get("X-Tos-Signature", [SIGNATURE])[0]
    credential = query.get("X-Tos-Credential", [SIGNATURE])[0]
    return [
        signature,
        credential,
        quote(credential, safe=""),
        bench.stage.cloudinary.api_secret,
        DATABASE_PASSWORD,
    ]


def assert_nothing_leaked(
    bench: Bench, sentry: SentryServer, logged: io.StringIO, url: str
) -> None:
    bench.reporter.close()
    table = bench.producer.execute(
        "SELECT error_code, error_message, sentry_event_id, cdn_url, public_id FROM storyboards"
    ).fetchall()
    everything = b"\n".join([*sentry.raw, logged.getvalue().encode(), repr(table).encode()])
    leaked = [secret for secret in secrets_of(bench, url) if secret.encode() in everything]
    assert leaked == []
    # Each of the three ways out was used, so the search had something to find.
    assert sentry.events
    assert sentry.transactions
    assert json.loads(logged.getvalue().splitlines()[0])["message"]
    assert table
