"""Files as the world has them, each of which stands for a kind; its name says which."""

from pathlib import Path

IMAGE_CASES = Path(__file__).parent / "image_cases"


def image_case(name: str) -> bytes:
    return (IMAGE_CASES / name).read_bytes()
