"""The stand-in for Cloudinary, driven by Cloudinary's own SDK."""

import hashlib
import ssl
from concurrent.futures import ThreadPoolExecutor

import cloudinary
import cloudinary.utils
import httpx
import pytest
from cloudinary.exceptions import AuthorizationRequired, BadRequest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.pictures import Format, draw, random_image
from tests.integration.demo.sdk import Sdk


@pytest.mark.parametrize(("format", "name"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_upload(account: Cloudinary, sdk: Sdk, format: Format, name: str) -> None:  # noqa: A002  Pillow's word
    image = draw(1, width=320, height=180, format=format)

    answer = sdk.upload(image, "storyboards/panel 1", tags=["a", "b & c"])

    md5 = hashlib.md5(image).hexdigest()
    assert answer["public_id"] == "storyboards/panel 1"
    assert (answer["format"], answer["width"], answer["height"]) == (name, 320, 180)
    assert (answer["bytes"], answer["etag"]) == (len(image), md5)
    assert answer["tags"] == ["a", "b & c"]
    assert answer["asset_folder"] == "storyboards"
    assert answer["request_id"]
    (upload,) = account.uploads
    assert (upload.public_id, upload.bytes, upload.md5) == ("storyboards/panel 1", len(image), md5)


def test_answer_is_signed(sdk: Sdk, image: bytes) -> None:
    answer = sdk.upload(image)

    with_secret = cloudinary.utils.api_sign_request(
        {"public_id": "panel", "version": answer["version"]},
        sdk.options["api_secret"],
        signature_version=1,
    )
    assert answer["signature"] == with_secret


def test_delivers_what_was_stored(
    account: Cloudinary, sdk: Sdk, client: httpx.Client, image: bytes
) -> None:
    answer = sdk.upload(image, "a/ä b")

    response = client.get(answer["secure_url"])

    assert response.content == image
    assert response.headers["content-type"] == "image/jpeg"
    assert client.get(f"{account.url}/demo/image/upload/v1/nothing.jpg").status_code == 404


def test_same_id_replaces_the_asset(
    account: Cloudinary, sdk: Sdk, client: httpx.Client, image: bytes
) -> None:
    other = random_image(5000, "JPEG", seed=2)
    first = sdk.upload(image)
    second = sdk.upload(other, overwrite=True)

    assert second["asset_id"] == first["asset_id"]
    assert second["version"] > first["version"]
    assert client.get(second["secure_url"]).content == other
    asset = account.asset("panel")
    assert asset is not None
    assert asset.body == other
    assert len(account.uploads) == 2


def test_without_overwrite_the_asset_stays(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    first = sdk.upload(image)
    second = sdk.upload(random_image(5000, "JPEG", seed=2), overwrite=False)

    assert second["existing"] is True
    assert second["etag"] == first["etag"]
    assert len(account.uploads) == 1


def test_public_id_is_made_up_if_missing(sdk: Sdk, image: bytes) -> None:
    assert sdk.upload(image, public_id="")["public_id"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("version", [1, 2])
def test_signature_versions(sdk: Sdk, image: bytes, algorithm: str, version: int) -> None:
    answer = sdk.upload(image, tags="a,b", signature_algorithm=algorithm, signature_version=version)

    assert answer["tags"] == ["a", "b"]


def test_version_2_tells_a_value_from_a_parameter(sdk: Sdk, image: bytes) -> None:
    assert sdk.upload(image, "a&tags=c", signature_version=2)["tags"] == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"api_secret": "other"}, r"Invalid Signature [0-9a-f]{40}\. String to sign - 'over"),
        ({"api_key": "0"}, "Invalid api_key 0"),
        ({"cloud_name": "unknown"}, "Invalid cloud_name unknown"),
    ],
)
def test_wrong_account(
    account: Cloudinary, sdk: Sdk, image: bytes, wrong: dict[str, str], message: str
) -> None:
    with pytest.raises(AuthorizationRequired, match=message):
        sdk.upload(image, overwrite=True, **wrong)

    assert account.uploads == []
    assert [refusal.status for refusal in account.refusals] == [401]


def test_secret_can_change_while_it_runs(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    right = account.api_secret
    account.api_secret = "other"
    with pytest.raises(AuthorizationRequired):
        sdk.upload(image)
    account.api_secret = right

    assert sdk.upload(image)["bytes"] == len(image)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"<html>no image</html>", "^Invalid image file$"),
        (b"\xff\xd8\xff", "^Invalid image file$"),
    ],
)
def test_no_image(account: Cloudinary, sdk: Sdk, file: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        sdk.upload(file)

    assert account.uploads == []


def test_too_large(account: Cloudinary, sdk: Sdk, image: bytes) -> None:
    with pytest.raises(BadRequest, match=r"Got 10485761\. Maximum is 10485760\.$"):
        sdk.upload(random_image(10_485_761, "JPEG", seed=1))
    account.max_file_bytes = 1000
    with pytest.raises(BadRequest, match=r"Got 300000\. Maximum is 1000\.$"):
        sdk.upload(image)


def test_largest_image_comes_whole(sdk: Sdk) -> None:
    image = random_image(10_485_760, "PNG", seed=1)

    assert sdk.upload(image)["etag"] == hashlib.md5(image).hexdigest()


def test_bytes_need_not_be_kept(sdk: Sdk, account: Cloudinary, image: bytes) -> None:
    account.keep_bytes = False

    answer = sdk.upload(image)

    assert answer["etag"] == hashlib.md5(image).hexdigest()
    assert httpx.get(answer["secure_url"]).status_code == 404


def test_many_at_once(sdk: Sdk, account: Cloudinary) -> None:
    images = [random_image(50_000, "PNG", seed) for seed in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(sdk.upload, images, [f"panel-{n}" for n in range(24)]))

    assert [a["etag"] for a in answers] == [hashlib.md5(i).hexdigest() for i in images]
    assert len(account.wait_for_uploads(24)) == 24


def test_ping_and_usage(sdk: Sdk) -> None:
    assert sdk.ping() == {"status": "ok"}
    assert sdk.usage()["media_limits"]["image_max_size_bytes"] == 10_485_760
    with pytest.raises(AuthorizationRequired, match="Invalid credentials"):
        sdk.ping(api_secret="other")
    with pytest.raises(AuthorizationRequired, match="cloud_name mismatch"):
        sdk.ping(cloud_name="unknown")


def test_configuration_url_suits_the_sdk(account: Cloudinary) -> None:
    config = cloudinary.Config()
    config._load_from_url(account.configuration_url)
    assert config.cloud_name == "demo"
    assert config.api_secret == account.api_secret
    assert config.upload_prefix == account.url


def test_speaks_tls(server_tls: ssl.SSLContext, image: bytes) -> None:
    with Cloudinary(tls=server_tls) as account, httpx.Client(verify=False) as client:
        fields = {"public_id": "a", "timestamp": str(cloudinary.utils.now())}
        signed = cloudinary.utils.sign_request(fields, Sdk(account).options)
        url = f"{account.url}/v1_1/demo/image/upload"

        answer = client.post(url, data=signed, files={"file": image}).json()

        assert answer["secure_url"].startswith("https://127.0.0.1:")
        assert client.get(answer["secure_url"]).content == image
