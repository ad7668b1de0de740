"""Draw images with their boxes."""
