"""Who a worker is."""

import os
import socket
from uuid import uuid4


def new_worker_id() -> str:
    """Tells host and process, and never comes twice."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
