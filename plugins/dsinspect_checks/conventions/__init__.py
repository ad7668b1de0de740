"""Checks of conventions that explain many symptoms at once."""
