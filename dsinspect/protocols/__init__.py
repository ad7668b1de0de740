"""The plugin interface: one protocol each for what can be plugged in."""
