"""Metrics for Prometheus.

metrics      the route, and all collectors in one text
facts        what is read at each scrape
counts       what is counted with each attempt that is over
machine      what the process takes of the machine, or all processes together
"""
