"""Checks of keypoints."""
