"""Benchmarks, run by hand: ``python -m tests.benchmarks``. They print ratios, no verdicts."""
