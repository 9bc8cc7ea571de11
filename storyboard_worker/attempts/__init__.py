"""Attempts: one try to copy a row's image, and what follows from how it ends.

runner    runs an attempt, writes its outcome and tells of it
policy    decides after an error: another attempt, failure, or release; pure
breaker   the circuit breaker of one upstream
breakers  the breakers of a worker: whether an upstream is asked freely, by probes, or not at all
recalls   makes rows due that an outage had put off, once it is over
"""
