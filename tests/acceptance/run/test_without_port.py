"""Without PORT a worker loads no HTTP code."""

from tests.support.running_worker import StartWorker

WITHOUT_PORT = """
import sys, threading
def look():
    names = {"waitress", "werkzeug", "prometheus_client", "storyboard_worker.web"}
    print("loaded:", sorted(names & sys.modules.keys()), file=sys.stderr, flush=True)
from storyboard_worker.worker import worker
real = worker.Worker.run
def run(self):
    look()
    real(self)
worker.Worker.run = run
"""


def test_without_a_port_no_http_code_is_loaded(start_worker: StartWorker) -> None:
    worker = start_worker(WITHOUT_PORT)
    assert worker.wait_for_log("loaded:")[0]["message"] == "loaded: []"
    assert not worker.logged("http server listens")
