"""Checks of distribution."""
