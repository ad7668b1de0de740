"""The plugin interface: one protocol each for what can be plugged in.

`VERSION` is raised when a protocol changes so that plugins written for it have to change. A plugin's module says which
one it was written for:

    DSINSPECT_INTERFACE = 1
"""

VERSION = 1
INTERFACE = "DSINSPECT_INTERFACE"
"""Name of the constant in a plugin's module."""
