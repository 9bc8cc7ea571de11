"""Source, storage and floor in C: the other side must cost as little as possible."""
