"""A process that has loaded the program and forks for each command.

Hundreds of commands are run, and loading takes longer than most of them. It receives packets of
JSON on the socket that is its standard input, and answers there: with the process id of a new
command, and once more at its end.
"""

import gc
import json
import os
import selectors
import socket
import sys
from importlib import import_module
from typing import Any

from storyboard_worker.cli import COMMANDS, main

PACKET_BYTES = 65_536


def serve(requests: socket.socket) -> bool:
    """Serve until the socket is closed; true in a process that was forked to be a command."""
    with selectors.DefaultSelector() as events:
        events.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.data is not None:
                    events.unregister(key.fd)
                    os.close(key.fd)
                    tell(requests, pid=key.data, code=exit_code(key.data))
                elif not (packet := requests.recv(PACKET_BYTES)):
                    return False
                elif (pid := os.fork()) == 0:
                    become(json.loads(packet))
                    return True
                else:
                    tell(requests, pid=pid)
                    # The descriptor is readable when the process has ended.
                    events.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)


def exit_code(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def tell(requests: socket.socket, **facts: int) -> None:
    requests.send(json.dumps(facts).encode())


def become(command: dict[str, Any]) -> None:
    """Take the arguments, environment and streams of a command, and the changes of the program."""
    for stream, path in enumerate((os.devnull, command["out"], command["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, stream)
        os.close(opened)
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv = ["storyboard-worker", *command["arguments"]]
    exec(command["changes"], {})


def run() -> None:
    for module in dict.fromkeys(module for module, _ in COMMANDS.values()):
        import_module(f"storyboard_worker.cli.{module}")
    # Objects that exist now are never collected, and their memory is shared with all commands.
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    is_command = serve(requests)
    requests.close()
    if is_command:
        main()


if __name__ == "__main__":
    run()
