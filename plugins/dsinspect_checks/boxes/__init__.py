"""Checks of the geometry of boxes."""
