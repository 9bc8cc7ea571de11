"""Resources: what the worker may lack itself, such as descriptors, memory, threads or disk.

exhaustion   recognises such a lack at the end of any chain of errors
allocator    how the C library keeps memory that was freed
cores        how many cores the process may keep busy
descriptors  how many files the process may open, and how many its slots need
restraint    how much a worker takes on after a lack: nothing for a moment, then less than before
"""
