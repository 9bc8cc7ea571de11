"""``doctor`` checks its machine: descriptors, and the folder of the spools."""

import sys

from tests.acceptance.doctor.patient import Patient
from tests.support.running_command import FreshStoryboardWorker

LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (210, 210))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from storyboard_worker.cli import main
main()
"""


def test_a_lack_is_told_with_its_fix(patient: Patient) -> None:
    patient.settings |= {"WORKER_CONCURRENCY": "40", "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    command = FreshStoryboardWorker(patient.settings, (sys.executable, "-c", LIMITED))
    checks = {check["name"]: check for check in command("doctor", "--json").json["checks"]}
    command.close()
    descriptors, spool = checks["descriptors"], checks["spool folder"]
    assert descriptors["status"] == "warn"
    assert "limit of 210 open files is below the 280" in descriptors["found"]
    assert descriptors["fix"].startswith("set WORKER_CONCURRENCY=16, or raise the limit of open")
    assert spool["status"] == "fail"
    assert "No usable temporary directory" in spool["found"]
    assert "TMPDIR" in spool["fix"]
