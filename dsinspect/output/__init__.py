"""Where output goes and what is written beside it."""
