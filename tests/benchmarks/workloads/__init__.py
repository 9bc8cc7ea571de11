"""What is measured: one module a workload, or a family of like ones."""
