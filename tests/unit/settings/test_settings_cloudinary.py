"""Cloudinary's settings, in either form, read as the official SDK reads them."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.cloudinary import CloudinarySettings
from storyboard_worker.settings.reading import read_settings

URL = "cloudinary://123456789:from-url-hunter2@url-cloud"
PARTS = {
    "CLOUDINARY_CLOUD_NAME": "parts-cloud",
    "CLOUDINARY_API_KEY": "987654321",
    "CLOUDINARY_API_SECRET": "from-parts-hunter2",
}
FROM_URL = CloudinarySettings("url-cloud", "123456789", "from-url-hunter2")
FROM_PARTS = CloudinarySettings("parts-cloud", "987654321", "from-parts-hunter2")


def read(**variables: str) -> CloudinarySettings | None:
    return read_settings({"DATABASE_URL": "embedded", **variables}).cloudinary


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read(**variables)
    message = str(raised.value)
    assert "\n" not in message
    assert "hunter2" not in message
    return message


def test_nothing_is_set_and_uploads_are_required() -> None:
    settings = read_settings({"DATABASE_URL": "embedded"})
    assert settings.cloudinary is None
    with pytest.raises(SettingsError, match=r"^CLOUDINARY_URL is not set: "):
        settings.require_cloudinary()


def test_what_is_set_is_what_is_required() -> None:
    settings = read_settings({"DATABASE_URL": "embedded", "CLOUDINARY_URL": URL})
    assert settings.require_cloudinary() == FROM_URL


def test_the_default_prefix_is_cloudinarys_own() -> None:
    assert FROM_URL.upload_prefix == "https://api.cloudinary.com"


def test_the_parts() -> None:
    assert read(**PARTS) == FROM_PARTS


def test_the_cloud_name_wins_over_the_url() -> None:
    assert read(**PARTS, CLOUDINARY_URL=URL) == FROM_PARTS
    assert read(**PARTS, CLOUDINARY_URL="nonsense") == FROM_PARTS


def test_an_empty_cloud_name_leaves_the_url_in_force() -> None:
    assert read(**{**PARTS, "CLOUDINARY_CLOUD_NAME": ""}, CLOUDINARY_URL=URL) == FROM_URL


@pytest.mark.parametrize("missing", ["CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET"])
def test_a_missing_part_is_named_even_when_the_url_is_there(missing: str) -> None:
    parts = {name: value for name, value in PARTS.items() if name != missing}
    assert refusal(**parts, CLOUDINARY_URL=URL).startswith(f"{missing} is not set")


@pytest.mark.parametrize(
    "url",
    [
        "https://123:hunter2@cloud",
        "cloudinary://123:hunter2",
        "cloudinary://123@cloud-hunter2",
        "cloudinary://:hunter2@cloud",
        "cloudinary://123:@hunter2",
        "cloudinary://123:hunter2/x@cloud",
        "cloudinary://[123:hunter2@cloud",
        "cloudinary://123:a@hunter2/c@cloud",
        "cloudinary://123:a@hunter2?c@cloud",
        "CLOUDINARY_URL=cloudinary://123:hunter2@cloud",
    ],
)
def test_a_bad_url_is_refused_without_its_secret(url: str) -> None:
    assert refusal(CLOUDINARY_URL=url).startswith("CLOUDINARY_URL is not valid")


def test_key_and_secret_may_be_encoded() -> None:
    found = read(CLOUDINARY_URL="cloudinary://12%2F3:a%40b%25c@cloud")
    assert found == CloudinarySettings("cloud", "12/3", "a@b%c")


def test_the_cloud_name_keeps_its_case() -> None:
    found = read(CLOUDINARY_URL="cloudinary://1:s@MyCloud")
    assert found is not None
    assert found.cloud_name == "MyCloud"


PREFIX = "https://api-eu.cloudinary.example"


@pytest.mark.parametrize(
    "variables",
    [
        {**PARTS, "CLOUDINARY_UPLOAD_PREFIX": PREFIX},
        {"CLOUDINARY_URL": URL, "CLOUDINARY_UPLOAD_PREFIX": f"{PREFIX}/"},
        {"CLOUDINARY_URL": f"{URL}?upload_prefix={PREFIX}"},
        {"CLOUDINARY_URL": f"{URL}?upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.example"},
        {"CLOUDINARY_URL": f"{URL}?upload_prefix=http://x", "CLOUDINARY_UPLOAD_PREFIX": PREFIX},
    ],
)
def test_the_upload_prefix_works_with_either_form(variables: dict[str, str]) -> None:
    found = read(**variables)
    assert found is not None
    assert found.upload_prefix == PREFIX


@pytest.mark.parametrize("prefix", ["api.cloudinary.com", "ftp://x", "https://", "https://a b"])
def test_a_bad_prefix_is_refused(prefix: str) -> None:
    assert "CLOUDINARY_UPLOAD_PREFIX" in refusal(**PARTS, CLOUDINARY_UPLOAD_PREFIX=prefix)


@pytest.mark.parametrize(
    ("raw", "folder"),
    [("", "storyboards"), ("panels", "panels"), ("/team/panels/", "team/panels")],
)
def test_the_folder(raw: str, folder: str) -> None:
    found = read(**PARTS, CLOUDINARY_FOLDER=raw)
    assert found is not None
    assert found.folder == folder


@pytest.mark.parametrize(
    ("raw", "delivery"),
    [
        ("", None),
        (" f_auto,q_auto ", "f_auto,q_auto"),
        ("c_fill,ar_16:9/f_auto,q_auto:good", "c_fill,ar_16:9/f_auto,q_auto:good"),
        ("t_panel", "t_panel"),
        ("$wide_200/c_scale,w_$wide", "$wide_200/c_scale,w_$wide"),
        ("l_text:Arial_20:a%20draft,g_south", "l_text:Arial_20:a%20draft,g_south"),
        ("fl_lossy,w_0.5", "fl_lossy,w_0.5"),
    ],
)
@pytest.mark.parametrize("account", [PARTS, {"CLOUDINARY_URL": "cloudinary://1:s@c"}])
def test_the_delivery(account: dict[str, str], raw: str, delivery: str | None) -> None:
    found = read(**account, CLOUDINARY_DELIVERY=raw)
    assert found is not None
    assert found.delivery == delivery
