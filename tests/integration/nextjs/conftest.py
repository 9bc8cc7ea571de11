"""The page's code, compiled and called in Node, before a stand-in for Supabase's interface."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_keys import api_key
from tests.support.node_calls import Node, node
from tests.support.npm_packages import installed_packages
from tests.support.page_code import component_of, files_of
from tests.support.postgrest_stand_in import postgrest_stand_in

STAND_INS = Path(__file__).with_name("stand_ins")


@pytest.fixture(scope="session")
def packages() -> Path:
    return installed_packages()


@pytest.fixture(scope="session")
def compiled(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an app that holds the pages' files, compiled without a complaint."""
    app = tmp_path_factory.mktemp("nextjs") / "app"
    shutil.copytree(STAND_INS, app)
    files = files_of("NEXTJS") | {"producers/panels.jsx": component_of("PRODUCERS")}
    for name, text in files.items():
        file = app / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (app / "node_modules").symlink_to(packages)
    command = [str(packages / ".bin/tsc"), "--project", str(app)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return app / "compiled"


@pytest.fixture(scope="session")
def process(compiled: Path) -> Iterator[Node]:
    with node(compiled, packages=compiled) as process:
        yield process


@pytest.fixture
def app(process: Node, dsn: str) -> Iterator[Node]:
    """The app with the service role's key."""
    with postgrest_stand_in(dsn) as url:
        process.set_variables(SUPABASE_URL=url, SUPABASE_SERVICE_ROLE_KEY=api_key("service_role"))
        yield process
