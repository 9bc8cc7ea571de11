"""Attempts: one try to copy a row's image, and what follows from how it ends.

working        the work, in the slot's thread: copy the image, decide what follows from an error
settling       writes outcomes, in the thread that owns the slots
one_at_a_time  writes those that the database refuses together
concluding     what follows from the database's answer: the slot is free, or the outcome waits
telling        tells the log and Sentry of what was written
runner         work, settling and telling together
outcome        what an attempt comes to
policy         decides after an error: another attempt, failure, or release; pure
breaker        the circuit breaker of one upstream
breakers       the breakers of a worker: whether an upstream is asked freely, by probes, or not at
               all
pauses         what is told of long pauses
recalls        makes rows due that an outage had put off, once it is over
"""
