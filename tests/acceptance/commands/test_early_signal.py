"""A stop that comes before a command has its own handler still ends it."""

import os
import signal
import subprocess
import sys

# What a container's process 1 does at first: SIGTERM is not acted on unless handled.
PROGRAM = """
import os, signal
from unittest.mock import patch
from storyboard_worker import cli
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def slow_import(name):
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("the signal went unheard")
with patch.object(cli, "import_module", slow_import):
    cli.main()
"""


def test_sigterm_while_a_command_is_still_being_loaded_ends_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run"], env=dict(os.environ), check=False, timeout=60
    )
    assert ended.returncode == 128 + signal.SIGTERM
