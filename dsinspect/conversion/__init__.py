"""Write a dataset in another format."""
