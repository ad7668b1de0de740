"""A third party's plugin: one check and one command."""

from dsinspect import hookimpl


@hookimpl
def dsinspect_checks():
    from dsinspect_acme.checks import SquareBox

    return [SquareBox]


@hookimpl
def dsinspect_commands(app):
    @app.command()
    def acme():
        """Say hello."""
        print("hello from acme")
