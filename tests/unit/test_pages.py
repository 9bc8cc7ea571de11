"""What the pages in ``.github`` state, against the code and the files that they name."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks.catalogue import WORKLOADS
from tests.support.pages import PAGES, ROOT, coded, page, table

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Folders that commands make, routes and addresses.
MADE_LATER = re.compile(r"\.benchmarks/|\.storyboard/|/.*|https?://.*")
FILE = re.compile(r"[\w./-]+/(?:[\w.-]*\.(?:py|yml|json|md|toml|sh))?")
# A manual names the thing instead.
UNWANTED = re.compile(
    r"\b(?:whoever|nobody|somebody|anybody|meanwhile|thereof|mend)\b", re.IGNORECASE
)


def spans_of(text: str) -> Iterator[str]:
    yield from coded(re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def files_told() -> set[tuple[str, str]]:
    """Page and file, for each span that is the name of one."""
    found = set()
    for name, text in PAGES.items():
        for span in spans_of(text):
            is_file = FILE.fullmatch(span) or span.startswith(("tests/", "alembic/", ".ci/"))
            if is_file and not MADE_LATER.fullmatch(span):
                found.add((name, span))
    return found


@pytest.mark.parametrize(("name", "span"), sorted(files_told()))
def test_a_file_that_a_page_names_is_there(name: str, span: str) -> None:
    places = [ROOT / span, ROOT / "storyboard_worker" / span]
    assert any(place.exists() for place in places), f"{name} names {span}"


def test_the_pages_name_files() -> None:
    assert len(files_told()) > 80


LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")


def links() -> list[tuple[str, str, str]]:
    return [
        (name, target, anchor)
        for name, text in PAGES.items()
        for target, anchor in LINK.findall(text)
        if "//" not in target
    ]


@pytest.mark.parametrize(("name", "target", "anchor"), links())
def test_a_link_leads_to_a_page_and_its_heading(name: str, target: str, anchor: str) -> None:
    path = (ROOT / name).parent / target if target else ROOT / name
    assert path.is_file()
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings]
    assert not anchor or anchor in anchors


def test_the_readme_leads_to_every_page() -> None:
    reached = {target for name, target, _ in links() if name == "README.md"}
    assert reached == set(PAGES) - {"README.md", ".github/PULL_REQUEST_TEMPLATE.md"}


def test_every_wing_has_a_line_in_the_order_of_the_import_rules() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    told = [coded(cell) for cell, _ in table("wing", page("ARCHITECTURE"))]
    # The command and what starts it share a line.
    in_rules = [re.findall(r"\w+", layer) for layer in layers]
    assert [sorted(wings) for wings in told] == [
        sorted(wings) for wings in ([*in_rules[0], *in_rules[1]], *in_rules[2:])
    ]


def test_every_status_of_the_table_is_told() -> None:
    rows = table("from", page("ARCHITECTURE"))
    told = {status for row in rows for cell in row[:2] for status in coded(cell)}
    assert told == {"pending", "processing", "ready", "failed"}


def test_every_guarantee_names_where_it_is_kept_and_what_shows_it() -> None:
    for guarantee, kept, shown in table("guarantee", page("ARCHITECTURE")):
        assert coded(kept), guarantee
        assert all(span.startswith("tests/") for span in coded(shown)), guarantee
        assert coded(shown), guarantee


def decisions() -> list[tuple[str, str]]:
    sections = re.split(r"^### ", page("DECISIONS"), flags=re.MULTILINE)[1:]
    return [
        (title, " ".join(re.split(r"^## ", text, flags=re.MULTILINE)[0].split()))
        for title, _, text in (section.partition("\n") for section in sections)
    ]


@pytest.mark.parametrize(("title", "text"), decisions())
def test_a_decision_has_problem_figure_measure_and_end(title: str, text: str) -> None:
    parts = ["**Problem:**", "**Figure:**", "**Measure:**", "**Delete when**"]
    places = [text.find(part) for part in parts]
    assert -1 not in places, title
    assert places == sorted(places), title
    assert "python -m " in text[places[2] : places[3]], title


def python_commands() -> set[str]:
    return {
        " ".join(span.split())
        for text in PAGES.values()
        for span in spans_of(text)
        if " ".join(span.split()).startswith("python -m ")
    }


@pytest.mark.parametrize("line", sorted(python_commands()))
def test_what_a_command_runs_is_there(line: str) -> None:
    module, *arguments = shlex.split(line)[2:]
    if module == "tests.debian_postgres":
        if arguments[1] == "COMMAND":
            return
        module, *arguments = arguments[3:]
    if module == "tests.benchmarks":
        assert set(arguments) <= WORKLOADS.keys()
    elif module == "pytest":
        paths = [argument for argument in arguments if argument.startswith("tests/")]
        assert all((ROOT / path).exists() for path in paths)
    else:
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists() or (
            ROOT / module.replace(".", "/") / "__main__.py"
        ).exists()


NAMED_IN_CODE = [
    ("settings/reading.py", "Settings"),
    ("settings/reading.py", "read_settings"),
    ("settings/reading.py", "_secrets"),
    ("doctor/settings_checks.py", "SECRETS"),
    ("errors.py", "ErrorCode"),
    ("attempts/policy.py", "_KINDS"),
    ("attempts/policy.py", "DOWN_CODES"),
    ("reporting/titles.py", "IN_WORDS"),
    ("database/fixed_statement.py", "fixed"),
    ("database/fixed_statement.py", "kept"),
    ("worker/filled.py", "FOLLOW_UP_SECONDS"),
]


@pytest.mark.parametrize(("file", "name"), NAMED_IN_CODE)
def test_a_name_that_the_pages_give_is_in_its_file(file: str, name: str) -> None:
    spans = {span for text in PAGES.values() for span in spans_of(text)}
    assert {file, name} <= spans
    text = (ROOT / "storyboard_worker" / file).read_text("utf-8")
    assert re.search(rf"^(?:class |def )?{name}\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_written_plainly(name: str) -> None:
    assert UNWANTED.findall(PAGES[name]) == []


def forms() -> list[Path]:
    return sorted((ROOT / ".github").rglob("*.yml"))


@pytest.mark.parametrize("path", forms(), ids=lambda path: path.name)
def test_a_form_can_be_read(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


def test_a_bug_report_asks_for_doctor_version_and_log() -> None:
    path = ROOT / ".github/ISSUE_TEMPLATE/bug_report.yml"
    body: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["body"]
    asked = {part["id"] for part in body if part.get("validations", {}).get("required")}
    assert asked >= {"doctor", "version", "log"}


def test_the_workflow_runs_both_scripts_on_python_3_11() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert list(jobs) == ["check", "run"]
    for name, job in jobs.items():
        assert job["runs-on"].startswith("ubuntu")
        assert any(step.get("with") == {"python-version": "3.11"} for step in job["steps"])
        assert f".ci/{name}" in job["steps"][-1]["run"]
        assert (ROOT / ".ci" / name).stat().st_mode & 0o111
