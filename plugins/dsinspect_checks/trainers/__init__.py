"""Checks that ask the trainer named with `--trainer`: what it would leave out, change, and stop at."""
