"""Checks of files, layout and encoding."""
