"""Stand-ins for the two upstreams, on loopback, for the ``demo`` command and the tests.

They follow the documented protocols over real sockets, and misbehave on request. They know nothing
of the worker: what they check, they check from the vendors' documentation.

``origin`` is a source behind signed URLs, and ``cloudinary`` an account, with modules of its own
that begin with ``cloudinary_``. ``server``, ``exchange`` and ``multipart`` are their HTTP.
``faults`` lists how they misbehave. ``journal`` keeps what they saw, ``pictures`` draws images, and
``dimensions`` reads an image's header.
"""
