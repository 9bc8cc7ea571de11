"""The page's loader and components: what address a browser asks for a picture."""

from typing import Any

import psycopg
import pytest

from tests.support.node_calls import Node
from tests.support.producing import FAILED, enqueue

LOADER = "lib/storyboards/image-loader.js"
DRAWING = "scenarios/rendering.js"
STORED = "https://res.cloudinary.com/demo/image/upload/v1700000000/storyboards/a-0123456789.jpg"
SCALED = (
    "https://res.cloudinary.com/demo/image/upload/c_limit,f_auto,q_auto,w_640"
    "/v1700000000/storyboards/a-0123456789.jpg"
)
ITS_OWN = "https://demo-res.cloudinary.com/image/upload"
PANEL: dict[str, Any] = {
    "id": "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a",
    "project_id": "p",
    "position": 1,
    "status": "ready",
    "cdn_url": STORED,
    "message": 'Storyboard is "ready"',
    "can_retry": False,
    "error_code": None,
    "updated_at": "1970-01-01T00:00:01+00:00",
    "picture_url": STORED,
}

NOT_OURS = [
    # Signed by generators and stores.
    "https://ark.tos-ap-southeast-1.bytepluses.com/a.jpeg?X-Tos-Signature=0&X-Tos-Expires=86400",
    "https://s3.example/image/upload/v1/a.jpg?X-Amz-Signature=0",
    f"{STORED}?__cld_token__=exp=1~hmac=0",
    # Another path would break Cloudinary's own signature.
    "https://res.cloudinary.com/demo/image/upload/s--abcdefgh--/v1/a.jpg",
    # Scaled already, another kind of delivery, and no version.
    SCALED,
    "https://res.cloudinary.com/demo/image/fetch/v1/https://images.example/a.jpg",
    "https://res.cloudinary.com/demo/image/private/v1/a.jpg",
    "https://res.cloudinary.com/demo/image/upload/a.jpg",
    # Hosts that only look like Cloudinary's.
    "https://res.cloudinary.com.evil.example/demo/image/upload/v1/a.jpg",
    "https://evil.example/res.cloudinary.com/demo/image/upload/v1/a.jpg",
    "https://res.cloudinary.com@evil.example/image/upload/v1/a.jpg",
    "http://res.cloudinary.com/demo/image/upload/v1/a.jpg",
    "data:image/png;base64,AAAA",
    "/local.png",
    "",
]


@pytest.mark.parametrize(
    ("src", "quality", "expected"),
    [
        (STORED, None, SCALED),
        (STORED, 80, SCALED.replace("q_auto", "q_80")),
        (
            f"{ITS_OWN}/v1/a.png",
            None,
            f"{ITS_OWN}/c_limit,f_auto,q_auto,w_640/v1/a.png",
        ),
    ],
    ids=["shared host", "quality", "host of the account"],
)
def test_a_stored_picture_is_scaled(
    process: Node, src: str, quality: int | None, expected: str
) -> None:
    asked = {"src": src, "width": 640, **({"quality": quality} if quality else {})}
    assert process.call(LOADER, "storyboardLoader", asked) == expected
    assert process.call(LOADER, "isStored", src) is True


@pytest.mark.parametrize("src", NOT_OURS)
def test_any_other_link_stays_as_it_is(process: Node, src: str) -> None:
    assert process.call(LOADER, "storyboardLoader", {"src": src, "width": 640}) == src
    assert process.call(LOADER, "isStored", src) is False


def test_a_panel_with_a_picture_shows_it_in_two_densities(process: Node) -> None:
    drawn = process.call(DRAWING, "picture", PANEL)
    assert drawn.endswith(
        f'<img src="{SCALED.replace("w_640", "w_1280")}" '
        f'srcSet="{SCALED} 1x, {SCALED.replace("w_640", "w_1280")} 2x" '
        'alt="Panel 1: Storyboard is &quot;ready&quot;" width="640" height="360"/>'
    )


def test_a_link_that_is_not_ours_is_shown_without_the_optimiser(process: Node) -> None:
    drawn = process.call(DRAWING, "picture", {**PANEL, "picture_url": NOT_OURS[0]})
    assert "srcSet" not in drawn
    assert f'src="{NOT_OURS[0].replace("&", "&amp;")}"' in drawn


def test_a_panel_without_a_picture_points_at_the_image_route(process: Node) -> None:
    process.set_variables(NEXT_PUBLIC_STORYBOARD_WORKER_URL="https://worker.example")
    route = f"https://worker.example/api/storyboards/{PANEL['id']}/image"
    drawn = process.call(DRAWING, "picture", {**PANEL, "picture_url": None})
    assert f'src="{route}?w=640&amp;changed=1000"' in drawn


def test_the_page_offers_a_retry_where_it_helps(app: Node, producer: psycopg.Connection) -> None:
    enqueue(producer, project_id="p", position=1)
    assert app.call(DRAWING, "page", "p").count("<button>Retry</button>") == 0
    enqueue(producer, project_id="p", position=2, **FAILED)
    enqueue(producer, project_id="p", position=3, **{**FAILED, "error_code": "source_expired"})
    drawn = app.call(DRAWING, "page", "p")
    assert drawn.count("<li>") == 3
    assert drawn.count("<button>Retry</button>") == 1
    assert "Download failed, click to retry" in drawn
