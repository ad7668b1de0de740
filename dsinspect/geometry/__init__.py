"""Geometry of boxes, outlines and masks, and the frames they live in."""
