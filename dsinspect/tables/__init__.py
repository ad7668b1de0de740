"""The tables every plugin works on."""
