"""The container image, checked by the files that it is built from. No engine is needed."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHA_256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (INSTRUCTION, its text), comments and line ends taken out."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", code)
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name.upper(), text) for name, text in pairs]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions():
        if instruction[0] == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def last(name: str) -> str:
    """The text of ``name`` in the final stage; the last one counts."""
    return [text for found, text in stages()[-1] if found == name][-1]


def pinned() -> dict[str, tuple[Requirement, list[str]]]:
    """The requirements file: canonical name → requirement, its hashes."""
    text = (ROOT / "requirements.txt").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: dict[str, tuple[Requirement, list[str]]] = {}
    for entry in re.sub(r"\s*\\\n\s*", " ", code).splitlines():
        spelled, _, options = entry.partition(" --hash=")
        requirement = Requirement(spelled)
        hashes = f"--hash={options}".split() if options else []
        found[canonicalize_name(requirement.name)] = (requirement, hashes)
    return found


def declared() -> list[Requirement]:
    texts = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    return [Requirement(text) for text in texts]


def test_the_final_stage_takes_only_the_results_of_the_first() -> None:
    first, final = stages()
    assert first[0][1].endswith(" AS build")
    assert not re.search(r"\bAS\b", final[0][1])
    copies = [text for name, text in final if name in {"COPY", "ADD"}]
    assert copies
    assert all(text.startswith("--from=build /opt/") for text in copies)
    assert not any("pip" in text for name, text in final if name == "RUN")


def test_the_base_image_is_slim_and_one_for_both_stages() -> None:
    base = next(text for name, text in instructions() if name == "ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.1[1-4]-slim(-\w+)?", base)
    assert {stage[0][1].split()[0] for stage in stages()} == {"${BASE}"}


def test_signals_reach_the_worker_itself() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["storyboard-worker"]
    assert json.loads(last("CMD")) == ["run"]
    assert last("STOPSIGNAL") == "SIGTERM"


def test_the_entry_point_is_a_command_of_the_project() -> None:
    assert json.loads(last("ENTRYPOINT"))[0] in PROJECT["project"]["scripts"]


def test_it_does_not_run_as_root() -> None:
    user, _, group = last("USER").partition(":")
    assert user.isdecimal()
    assert group.isdecimal()
    assert int(user) > 0
    assert int(group) > 0


def test_every_download_is_checked_against_a_hash() -> None:
    runs = [text for name, text in instructions() if name == "RUN"]
    steps = [step for run in runs for step in re.split(r"&&|;", run)]
    fetching = [step for step in steps if re.search(r"\bpip\b.*\b(install|wheel|download)\b", step)]
    assert any("--require-hashes" in step for step in fetching)
    for step in fetching:
        assert "--require-hashes" in step or "--no-index" in step, step
    assert not any(re.search(r"\b(curl|wget|apt-get|apk)\b", step) for step in steps)


@pytest.mark.parametrize("name", sorted(pinned()))
def test_every_requirement_has_one_version_and_hashes(name: str) -> None:
    requirement, hashes = pinned()[name]
    assert [specifier.operator for specifier in requirement.specifier] == ["=="]
    assert requirement.url is None
    assert hashes
    assert all(SHA_256.fullmatch(hash_) for hash_ in hashes), hashes


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_every_declared_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    requirement, _ = pinned()[canonicalize_name(wanted.name)]
    (pin,) = requirement.specifier
    assert wanted.specifier.contains(pin.version, prereleases=True)


def test_the_driver_comes_with_its_own_library() -> None:
    assert "psycopg-binary" in pinned()


def test_no_extra_is_inside() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    # The build stage needs the build backend, and leaves it behind.
    expected = {"storyboard-worker"} | {
        canonicalize_name(Requirement(text).name) for text in PROJECT["build-system"]["requires"]
    }
    for text in (text for name in extras for text in extras[name]):
        name = canonicalize_name(Requirement(text).name)
        assert name in expected or name not in pinned(), name
    assert not any("storyboard-worker[" in text or ".[" in text for _, text in instructions())


def test_the_requirements_name_no_index() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_the_build_sees_only_what_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source.rstrip("/")
        for name, text in stages()[0]
        if name == "COPY"
        for source in text.split()[:-1]
    }
    assert let_in == copied
    assert all((ROOT / source).exists() for source in copied)
