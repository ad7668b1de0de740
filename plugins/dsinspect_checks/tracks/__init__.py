"""Checks of tracks: the same object over the frames of a video."""
