"""What checks report, and how it reads."""
