"""The README and the pages in ``.github``, as tests read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / ".github").glob("*.md")))
}
README = PAGES["README.md"]


def page(name: str) -> str:
    """The text of a page in ``.github``, by its name without the ending."""
    return PAGES[f".github/{name}.md"]


def table(heading: str, text: str = README) -> list[list[str]]:
    """The rows of the table whose first heading cell this is, as cells."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def coded(cell: str) -> list[str]:
    """What stands between back-ticks."""
    return re.findall(r"`([^`]+)`", cell)
