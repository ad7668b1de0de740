"""Checks of classes and their balance."""
