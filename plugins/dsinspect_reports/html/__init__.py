"""The `html` report: one page that needs nothing else."""
