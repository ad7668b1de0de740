"""Transform images and their annotations."""
