"""`dsinspect review serve`: a page at the reviewer's machine, for thousands of findings and whole images."""
