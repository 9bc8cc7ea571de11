"""Without PORT a worker loads no HTTP code."""

import sys
from collections.abc import Mapping

from tests.support.running_command import FreshStoryboardWorker

# A worker that tells what is loaded when it would begin, and ends.
PROGRAM = """
import sys
from storyboard_worker.cli import main
from storyboard_worker.worker import worker
def look(self):
    names = {"waitress", "werkzeug", "prometheus_client", "storyboard_worker.web"}
    print("loaded:", sorted(names & sys.modules.keys()))
worker.Worker.run = look
main()
"""


def test_without_a_port_no_http_code_is_loaded(settings: Mapping[str, str]) -> None:
    command = FreshStoryboardWorker(settings, (sys.executable, "-c", PROGRAM))
    result = command("run")
    command.close()
    assert "loaded: []" in result.out
    assert "http server listens" not in result.err
