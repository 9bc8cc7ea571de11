"""The wheel contains the migrations, the files for Prometheus and Grafana, and those of pages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from storyboard_worker.database import schema

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    [built] = folder.glob("*.whl")
    return built


def test_it_holds_every_migration(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    versions = [path.name for path in (CHECKOUT / "alembic" / "versions").glob("*.py")]
    assert "0001_storyboards.py" in versions
    assert "storyboard_worker/migrations/env.py" in inside
    assert {f"storyboard_worker/migrations/versions/{name}" for name in versions} <= inside


def test_it_holds_dashboard_and_alert_rules(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel)
    for name in ("dashboard.json", "alerts.yml"):
        path = f"storyboard_worker/monitoring/{name}"
        assert inside.read(path) == (CHECKOUT / path).read_bytes()


def test_it_holds_what_pages_are_made_of(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    web = CHECKOUT / "storyboard_worker" / "web"
    for pattern in ("texts/*/*.toml", "board/templates/*.html", "board/static/*"):
        files = {path.relative_to(CHECKOUT).as_posix() for path in web.glob(pattern)}
        assert files
        assert files <= inside


def test_nothing_in_it_shadows_alembic(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"storyboard_worker"}


def test_what_is_unpacked_migrates_by_itself(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "from storyboard_worker.database import schema\n"
        "print(schema.__file__); print(schema.upgrade_sql())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    where, _, sql = printed.partition("\n")
    assert where == str(tmp_path / "storyboard_worker" / "database" / "schema.py")
    assert sql.strip() == schema.upgrade_sql().strip()
