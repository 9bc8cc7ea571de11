"""The workloads: one module for each, or for a family of similar ones."""
