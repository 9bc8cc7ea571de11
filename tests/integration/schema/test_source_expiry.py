"""The database reads the expiry of a signed URL by itself."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.support.producing import A_MOMENT, URL, change, enqueue, storyboard

HOST = "https://images.example/panel.jpeg"
SIGNED = f"{HOST}?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400"
EXPIRY = datetime(2025, 9, 11, 1, 59, 21, tzinfo=UTC)


def expiry_of(producer: psycopg.Connection, url: str) -> datetime | None:
    found: datetime | None = storyboard(producer, enqueue(producer, url))["source_expires_at"]
    return found


@pytest.mark.parametrize("vendor", ["Tos", "Amz", "Goog", "tos", "AMZ", "gOOG"])
def test_each_vendor_in_any_case(producer: psycopg.Connection, vendor: str) -> None:
    url = f"{HOST}?X-{vendor}-Date=20250910T015921Z&X-{vendor}-Expires=86400"
    assert expiry_of(producer, url) == EXPIRY


@pytest.mark.parametrize(
    "query",
    [
        "X-Tos-Expires=86400&X-Tos-Date=20250910T015921Z",
        "x-tos-date=20250910T015921Z&x-tos-expires=86400",
        "X-Tos-Credential=a%2Fb&X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400&X-Tos-Signature=c",
        "a=1&X-Tos-Expires=86400&b=2&X-Tos-Date=20250910T015921Z&c=3",
        "X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400#part",
    ],
)
def test_in_any_order_and_company(producer: psycopg.Connection, query: str) -> None:
    assert expiry_of(producer, f"{HOST}?{query}") == EXPIRY


def test_the_time_zone_of_the_session_does_not_matter(producer: psycopg.Connection) -> None:
    producer.execute("SET TIME ZONE 'Pacific/Auckland'")
    assert expiry_of(producer, SIGNED) == EXPIRY


@pytest.mark.parametrize(
    "query",
    [
        "X-Tos-Date=20250230T015921Z&X-Tos-Expires=86400",  # 30 February
        "X-Tos-Date=20251301T015921Z&X-Tos-Expires=86400",  # month 13
        "X-Tos-Date=20250900T015921Z&X-Tos-Expires=86400",  # day 0
        "X-Tos-Date=20250910T256199Z&X-Tos-Expires=86400",  # 25:61:99
        "X-Tos-Date=00000910T015921Z&X-Tos-Expires=86400",  # year 0
        "X-Tos-Date=20250910&X-Tos-Expires=86400",
        "X-Tos-Date=&X-Tos-Expires=86400",
        "X-Tos-Date=20250910T015921Z&X-Tos-Expires=",
        "X-Tos-Date=20250910T015921Z&X-Tos-Expires=-1",
        "X-Tos-Date=20250910T015921Z&X-Tos-Expires=1e3",
        "X-Tos-Date=20250910T015921Z&X-Tos-Expires=99999999999999999999",
        "X-Tos-Date=20250910T015921Z",
        "X-Tos-Expires=86400",
        "X-Tos-Date=20250910T015921Z&X-Amz-Expires=86400",  # two vendors, half each
        "not-X-Tos-Date=20250910T015921Z&not-X-Tos-Expires=86400",
    ],
)
def test_nonsense_is_accepted_without_an_expiry(producer: psycopg.Connection, query: str) -> None:
    assert expiry_of(producer, f"{HOST}?{query}") is None


@pytest.mark.parametrize(
    "url",
    [
        f"{HOST}/X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400",
        f"{HOST}#X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400",
        f"{HOST}#?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400",
    ],
    ids=["path", "fragment", "query within the fragment"],
)
def test_only_the_query_counts(producer: psycopg.Connection, url: str) -> None:
    assert expiry_of(producer, url) is None


def test_the_longest_lifetime_that_is_read(producer: psycopg.Connection) -> None:
    url = f"{HOST}?X-Tos-Date=20250910T015921Z&X-Tos-Expires=999999999"
    assert expiry_of(producer, url) == EXPIRY + timedelta(seconds=999_999_999 - 86_400)


def test_a_value_given_with_the_insert_wins(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, SIGNED, source_expires_at=A_MOMENT)
    assert storyboard(producer, storyboard_id)["source_expires_at"] == A_MOMENT


def test_a_value_given_with_the_new_url_wins(producer: psycopg.Connection) -> None:
    row = change(producer, enqueue(producer), source_url=SIGNED, source_expires_at=A_MOMENT)
    assert row["source_expires_at"] == A_MOMENT


def test_a_new_url_brings_its_own_expiry(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, SIGNED, source_expires_at=A_MOMENT)
    row = change(producer, storyboard_id, source_url=SIGNED + "&again")
    assert row["source_expires_at"] == EXPIRY


def test_a_new_url_without_expiry_forgets_the_old_one(producer: psycopg.Connection) -> None:
    row = change(producer, enqueue(producer, SIGNED), source_url=URL)
    assert row["source_expires_at"] is None


def test_the_expiry_may_be_set_and_unset_by_itself(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, SIGNED)
    row = change(producer, storyboard_id, source_expires_at=A_MOMENT)
    assert row["source_expires_at"] == A_MOMENT
    row = change(producer, storyboard_id, source_expires_at=None)
    assert row["source_expires_at"] is None
