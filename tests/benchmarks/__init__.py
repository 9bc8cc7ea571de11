"""Benchmarks, run by hand: ``python -m tests.benchmarks --help``.

They compare the worker with what one would write in an afternoon and with what the machine
allows at best, and print the targets beside what was measured.
"""
