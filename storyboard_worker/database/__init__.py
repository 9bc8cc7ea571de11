"""The way to the database: connections whose every wait ends, and short transactions on them.

``dialing`` makes connections, ``bounded_connection`` is what one is, ``session`` says what its
transactions are like, ``pool`` keeps a few of them, and ``translation`` turns the driver's errors
into ours.
"""

from storyboard_worker.database.pool import Database

__all__ = ["Database"]
