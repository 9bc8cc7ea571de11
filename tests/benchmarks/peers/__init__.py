"""Job systems for Node, doing the work of this project's worker, for comparison.

``node`` holds what runs in Node: a worker and a producer for every peer, and what they share.
"""
