"""Keeps secrets and control characters out of everything that leaves the worker.

``redactor`` cuts signed URLs and known secrets out of texts, ``secret_parameters`` finds signatures
by their names, and ``foreign_text`` escapes what a terminal or a log must not be sent.
"""
