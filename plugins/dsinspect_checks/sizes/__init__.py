"""Checks of sizes, as the network will see them."""
