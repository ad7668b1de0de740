"""Checks of image files."""
