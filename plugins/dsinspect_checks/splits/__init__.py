"""Checks of splits."""
