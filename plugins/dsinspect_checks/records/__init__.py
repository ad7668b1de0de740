"""Checks of records and identity."""
