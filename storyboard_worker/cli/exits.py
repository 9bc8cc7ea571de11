"""What the exit codes mean, in one place."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    BAD_ANSWER = 1  # it ran, and the answer is bad or was not printed; also a second signal
    USAGE = 2  # arguments or settings
    DATABASE_UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h
    STUCK = 70  # EX_SOFTWARE; only `run`, by its watchdog
