"""Stand-ins for the two upstreams, on loopback, for the ``demo`` command and the tests.

They follow the documented protocols over real sockets, and misbehave on request. Nothing
here knows the worker: what the stand-ins check, they check from the vendors' documentation.
"""
