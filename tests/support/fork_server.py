"""A process that has loaded the program and forks for each command.

Hundreds of commands are run, and loading takes longer than most of them. It receives packets of
JSON on the socket that is its standard input, each with the three standard streams of a command. It
answers there: with the process id of a new command, and once more at its end.
"""

import atexit
import ctypes
import gc
import json
import os
import selectors
import socket
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from typing import Any

import cloudinary

from storyboard_worker.cli import COMMANDS, main

PACKET_BYTES = 65_536
STREAMS = 3
# Commands import these when they need them. To load them takes long.
LOADED_LATE = ("alembic.command", "rich.console")


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Serve until the socket is closed. In a process that was forked, answer its command."""
    with selectors.DefaultSelector() as events:
        events.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.data is not None:
                    events.unregister(key.fd)
                    os.close(key.fd)
                    tell(requests, pid=key.data, code=exit_code(key.data))
                    continue
                packet, streams, _, _ = socket.recv_fds(requests, PACKET_BYTES, STREAMS)
                if not packet:
                    return None
                if (pid := os.fork()) == 0:
                    take(streams)
                    close_others(events)
                    command: dict[str, Any] = json.loads(packet)
                    return command
                for stream in streams:
                    os.close(stream)
                tell(requests, pid=pid)
                # The descriptor is readable when the process has ended.
                events.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)


def exit_code(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def tell(requests: socket.socket, **facts: int) -> None:
    requests.send(json.dumps(facts).encode())


def take(streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)


def close_others(events: selectors.BaseSelector) -> None:
    """A command holds no descriptor of other commands."""
    for key in list(events.get_map().values()):
        if key.data is not None:
            os.close(key.fd)


def become(command: dict[str, Any]) -> None:
    """Take the arguments, environment and folder of a command, and the changes of the program."""
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    tempfile.tempdir = None
    # The SDK reads its variables when it is imported. Only a command that needs it refuses them.
    with suppress(ValueError):
        cloudinary.reset_config()
    sys.argv = ["storyboard-worker", *command["arguments"]]
    exec(command["changes"], {"__name__": "__main__"})


def keep_modules() -> None:
    """Leave the modules as they are at the end of a command.

    Python takes them apart, and each page of memory that is shared with the server is copied for
    that. It is most of what a short command costs. What the command itself made is taken apart.
    """
    kept = {name: sys.modules.pop(name) for name in LOADED.intersection(sys.modules)}
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


LOADED: set[str] = set()


def run() -> None:
    for module in dict.fromkeys(module for module, _ in COMMANDS.values()):
        import_module(f"storyboard_worker.cli.{module}")
    for module in LOADED_LATE:
        import_module(module)
    LOADED.update(name for name, module in sys.modules.items() if hasattr(module, "__file__"))
    # Objects that exist now are never collected, and their memory is shared with all commands.
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    command = serve(requests)
    requests.close()
    if command is not None:
        atexit.register(keep_modules)
        become(command)
        main()


if __name__ == "__main__":
    run()
