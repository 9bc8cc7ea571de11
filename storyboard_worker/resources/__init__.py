"""What the worker's own machine lacks: descriptors, memory, threads, room on the disk.

``descriptors`` raises the limit of open files, ``exhaustion`` recognises a lack in any error, and
``restraint`` says how many attempts may run after one.
"""
