"""Run the command line as `python -m dsinspect`."""

from dsinspect.cli import run

if __name__ == "__main__":
    run()
