"""Image files as they occur in practice. Each stands for a kind, which its name says."""

from pathlib import Path

IMAGE_CASES = Path(__file__).parent / "image_cases"


def image_case(name: str) -> bytes:
    return (IMAGE_CASES / name).read_bytes()
