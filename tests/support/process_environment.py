"""The environment of a process that a test starts."""

import os
from collections.abc import Mapping

# What a process needs to run at all. Every other variable could be a setting.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, **settings}
