"""Numbers with which nothing could work are refused at the start."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.reading import read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_SECONDS", "1e300"),
        ("LEASE_SECONDS", "604801"),
        ("CONNECT_TIMEOUT_SECONDS", "1e10"),
        ("MAX_ATTEMPTS", "3000000000"),
        ("WORKER_CONCURRENCY", "1001"),
        ("MAX_IMAGE_BYTES", "2147483648"),
    ],
)
def test_too_large(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        read_settings({"DATABASE_URL": "embedded", name: value})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("LEASE_SECONDS", "604800"), ("WORKER_CONCURRENCY", "1000")]
)
def test_the_largest(name: str, value: str) -> None:
    settings = read_settings({"DATABASE_URL": "embedded", name: value})
    assert getattr(settings, name.lower()) == float(value)
