"""The cost of a worker without queue, database and checks: ``native/floor.c``."""

import json
import subprocess

from tests.benchmarks.checks import check
from tests.benchmarks.measure import PATIENCE_SECONDS, Copied, Load
from tests.benchmarks.stage import Stage

NAME = "C floor, no queue"


def measure_floor(stage: Stage, load: Load) -> Copied:
    """Run the floor, which has no rows and measures itself."""
    with stage.upstreams(load.conditions) as upstreams:
        options = {
            "source-port": upstreams.source_port,
            "storage-port": upstreams.storage_port,
            "images": load.images,
            "at-once": load.at_once,
        }
        ended = subprocess.run(
            [stage.binaries.floor, *(f"--{name}={value}" for name, value in options.items())],
            check=False,
            stdout=subprocess.PIPE,
            timeout=PATIENCE_SECONDS,
        )
        check(ended.returncode == 0, f"{NAME} ended with {ended.returncode}")
        upstreams.check_stored(load.images)
        tally = upstreams.tally()
    said = json.loads(ended.stdout)
    return Copied(
        images=load.images,
        seconds=said["seconds"],
        stored_seconds=(tally.last_stored_ns - tally.first_request_ns) / 1e9,
        cpu_ms_per_image=said["cpu_seconds"] * 1000 / load.images,
        peak_megabytes=said["peak_kilobytes"] / 1024,
        postgres_cpu_ms_per_image=None,
        transactions_per_image=None,
        samples=[],
    )
