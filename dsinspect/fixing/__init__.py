"""Write a corrected copy of a dataset."""
