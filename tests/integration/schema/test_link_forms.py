"""The database reads the expiry of every kind of signed link."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.support.producing import enqueue, storyboard

HOST = "https://images.example/panel.jpeg"
SECONDS = 1_935_904_089
EXPIRY = datetime.fromtimestamp(SECONDS, UTC)
AZURE_EXPIRY = datetime(2031, 5, 6, 8, tzinfo=UTC)
DATE, DAY = "20310506T070809Z", datetime(2031, 5, 7, 7, 8, 9, tzinfo=UTC)


def expiry_of(producer: psycopg.Connection, url: str) -> datetime | None:
    found: datetime | None = storyboard(producer, enqueue(producer, url))["source_expires_at"]
    return found


LINKS = {
    "TOS": (
        (
            "https://b.tos-ap-southeast-1.bytepluses.com/x/0_0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256"
            "&X-Tos-Credential=A%2F20310506%2Fap-southeast-1%2Ftos%2Frequest"
            f"&X-Tos-Date={DATE}&X-Tos-Expires=86400&X-Tos-Signature=c0ffee&X-Tos-SignedHeaders=host"
        ),
        DAY,
    ),
    "Amazon": (f"{HOST}?X-Amz-Expires=86400&X-Amz-Date={DATE}&X-Amz-Signature=c0ffee", DAY),
    "Google": (f"{HOST}?X-Goog-Date={DATE}&X-Goog-Expires=86400&X-Goog-Signature=c0ffee", DAY),
    "Alibaba V4": (
        f"{HOST}?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date={DATE}&x-oss-expires=86400",
        DAY,
    ),
    "Azure": (
        (
            "https://acc.blob.core.windows.net/private/img.png?st=2031-05-06T06%3A00%3A00Z"
            "&se=2031-05-06T08%3A00%3A00Z&sp=r&sv=2024-11-04&sr=b&sig=c0ffee%3D"
        ),
        AZURE_EXPIRY,
    ),
    "Alibaba": (
        (
            f"https://b.oss-cn-beijing.aliyuncs.com/x.png?Expires={SECONDS}&OSSAccessKeyId=LTAI"
            "&Signature=c0ffee%3D"
        ),
        EXPIRY,
    ),
    "Google V2": (
        (
            "https://storage.googleapis.com/b/x.png?GoogleAccessId=a%40b.iam.gserviceaccount.com"
            f"&Expires={SECONDS}&Signature=c0ffee"
        ),
        EXPIRY,
    ),
    "CloudFront": (
        f"https://d1.cloudfront.net/x.png?Expires={SECONDS}&Signature=c0ffee~_&Key-Pair-Id=K1",
        EXPIRY,
    ),
    "Tencent": (
        (
            "https://b.cos.ap-beijing.myqcloud.com/x.png?q-sign-algorithm=sha1&q-ak=AKID"
            f"&q-sign-time=1935900489;{SECONDS}&q-key-time=1935900489;{SECONDS}&q-header-list=host"
            "&q-url-param-list=&q-signature=c0ffee"
        ),
        EXPIRY,
    ),
    "Tencent, escaped": (f"{HOST}?q-sign-time=1935900489%3b{SECONDS}&q-signature=a", EXPIRY),
    "ByteDance": (
        (
            "https://p1-sign.byteimg.com/tos-cn-i/x~tplv.image?rk3s=1"
            f"&x-expires={SECONDS}&x-signature=c0ffee%3D"
        ),
        EXPIRY,
    ),
    "Supabase": ("https://p.supabase.co/storage/v1/object/sign/b/x.png?token=a.b.c", None),
    "Cloudinary": ("https://res.cloudinary.com/demo/image/upload/s--c0ffee--/v1/x.png", None),
}


@pytest.mark.parametrize("kind", LINKS)
def test_each_kind_of_link(producer: psycopg.Connection, kind: str) -> None:
    url, expiry = LINKS[kind]
    assert expiry_of(producer, url) == expiry


@pytest.mark.parametrize("kind", LINKS)
def test_order_and_case_of_the_names_do_not_matter(producer: psycopg.Connection, kind: str) -> None:
    url, expiry = LINKS[kind]
    path, _, query = url.partition("?")
    pairs = [part.partition("=") for part in reversed(query.split("&"))]
    for turned in (str.upper, str.lower, str.swapcase):
        names = "&".join(f"{turned(name)}={value}" for name, _, value in pairs)
        assert expiry_of(producer, f"{path}?{names}") == expiry


@pytest.mark.parametrize("kind", LINKS)
def test_path_and_fragment_say_nothing(producer: psycopg.Connection, kind: str) -> None:
    query = LINKS[kind][0].partition("?")[2]
    for url in (f"{HOST}/{query}", f"{HOST}#{query}", f"{HOST}#?{query}", f"{HOST}/&{query}?a=b"):
        assert expiry_of(producer, url) is None


@pytest.mark.parametrize(
    ("se", "expiry"),
    [
        ("2031-05-06", AZURE_EXPIRY - timedelta(hours=8)),
        ("2031-05-06T08:00Z", AZURE_EXPIRY),
        ("2031-05-06T08:00:00Z", AZURE_EXPIRY),
        ("2031-05-06T08:00:00", AZURE_EXPIRY),
        ("2031-05-06T08:00:00.5000000Z", AZURE_EXPIRY + timedelta(seconds=0.5)),
        ("2031-05-06T10:00:00%2b02:00", AZURE_EXPIRY),
        ("%32031%2D05%2d06T08%3A00Z", AZURE_EXPIRY),
        ("2031-02-30", None),
        ("2031-13-01", None),
        ("2031-05-06T25:00Z", None),
        ("0000-05-06", None),
        ("1969-12-31T23:59:59Z", None),
        ("9999-01-01", None),
        ("12031-05-06", None),
        ("2031-05-06T08%253A00Z", None),
        ("2031-05-06 08:00Z".replace(" ", "%20"), None),
        ("2031-5-6", None),
        ("%00", None),
        ("%", None),
        ("tomorrow", None),
        ("infinity", None),
        ("", None),
    ],
)
def test_moments_of_azure(producer: psycopg.Connection, se: str, expiry: datetime | None) -> None:
    producer.execute("SET TIME ZONE 'Pacific/Auckland'; SET DateStyle = 'SQL, DMY'")
    found = producer.execute(
        "SELECT storyboard_source_expiry(%s) IS NOT DISTINCT FROM %s",
        [f"{HOST}?se={se}&sig=c0ffee", expiry],
    )
    assert found.fetchone() == (True,)
    enqueue(producer, f"{HOST}?se={se}&sig=c0ffee")


NONSENSE = ["", "-1", "+1", "1e9", "0x7", "1.5", "soon", str(10**18), "9" * 4000, "²", "\u0661"]
TOO_LATE = str(int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize("seconds", [*NONSENSE, TOO_LATE])
@pytest.mark.parametrize(
    "query",
    ["Expires={}&Signature=a", "q-sign-time=1;{}", "x-expires={}&x-signature=a"],
)
def test_nonsense_is_accepted_without_an_expiry(
    producer: psycopg.Connection, query: str, seconds: str
) -> None:
    assert expiry_of(producer, f"{HOST}?{query.format(seconds)}") is None


@pytest.mark.parametrize(
    "query",
    [
        f"Expires={SECONDS}",
        f"Expires={SECONDS}&x-signature=a",
        f"x-expires={SECONDS}&Signature=a",
        "se=2031-05-06",
        "se=2031-05-06&Signature=a",
        f"q-sign-time={SECONDS}",
        f"q-sign-time={SECONDS};",
        f"q-sign-time=;{SECONDS}",
        f"q-sign-time=1;{SECONDS};2",
        f"q-key-time=1;{SECONDS}",
        f"Expires={SECONDS};Signature=a",
        f"?Expires={SECONDS}&Signature=a",
        f"Expires%3D{SECONDS}&Signature=a",
    ],
)
def test_half_a_form_is_no_expiry(producer: psycopg.Connection, query: str) -> None:
    assert expiry_of(producer, f"{HOST}?{query}") is None


@pytest.mark.parametrize(
    "twice",
    [
        f"Expires={SECONDS}&Expires={SECONDS + 1}&Signature=a",
        f"Expires={SECONDS}&expires=1&Signature=a",
        f"se=2031-05-06&se=2041-05-06&sig=a&Expires={SECONDS}&Signature=a",
        f"X-Tos-Date={DATE}&X-Tos-Expires=1&X-Tos-Expires=86400",
    ],
)
def test_a_name_that_occurs_twice_is_nonsense(producer: psycopg.Connection, twice: str) -> None:
    assert expiry_of(producer, f"{HOST}?{twice}") is None


def test_the_earliest_and_the_latest_that_are_read(producer: psycopg.Connection) -> None:
    assert expiry_of(producer, f"{HOST}?Expires=0&Signature=a") == datetime(1970, 1, 1, tzinfo=UTC)
    last = int(TOO_LATE) - 1
    assert expiry_of(producer, f"{HOST}?Expires={last}&Signature=a") == datetime(
        9998, 12, 31, 23, 59, 59, tzinfo=UTC
    )
