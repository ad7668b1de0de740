"""The command line: the commands of the core and of plugins, and outcomes as exit codes."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import gc
import itertools
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from dsinspect import __version__
from dsinspect.commands import COMMANDS
from dsinspect.errors import PLUGIN_FAULTS, Blame, ExitCode, PluginCrashedError, PluginError, UserError, how, nearest
from dsinspect.findings.rendering import printable, without_controls
from dsinspect.findings.wording import counted
from dsinspect.io.brought import as_named
from dsinspect.io.embedded import NAMED
from dsinspect.io.limits import VARIABLE as LIMITS
from dsinspect.io.limits import checked, put_in_force
from dsinspect.io.reading import READS_OUTSIDE
from dsinspect.io.under_way import Completion, sweep
from dsinspect.io.unread import left_alone, passed_over
from dsinspect.loader import BEGUN, Plugins, load_plugins


class Interrupted(BaseException):
    """^C or SIGTERM. Not KeyboardInterrupt, which Typer would turn into exit code 1."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


class OneLine(TyperGroup):
    """A group whose mistakes in the use of it are UserErrors: one line as all others, with the nearest name."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command's name and the options before it."""
        with usage_as_one_line():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the options of the command, and run it."""
        with usage_as_one_line(ctx):
            return super().invoke(ctx)


@contextmanager
def usage_as_one_line(group: Any = None) -> Iterator[None]:
    """Raise a UserError in place of what Typer prints in four lines; the help of a group without a command stays.

    Args:
        group: the context of the group whose command runs.
    """
    try:
        yield
    except Exception as e:
        if not hasattr(e, "format_message") or type(e).__name__ == "NoArgsIsHelpError":
            raise
        called = " ".join(filter(None, ("dsinspect", getattr(group, "invoked_subcommand", None))))
        raise UserError(usage_line(e, called)) from None


def usage_line(error: Any, called: str) -> str:
    """Return a mistake in the use of a command as one line that says how the command is called.

    Args:
        error: of Typer's.
        called: the command, where the error does not know it.
    """
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else called
    what = " ".join(error.format_message().split()).rstrip(".")
    if type(error).__name__ == "NoSuchOption" and context is not None:
        known = [name for parameter in context.command.params for name in (*parameter.opts, *parameter.secondary_opts)
                 if name.startswith("-")]
        what = f"no such option {error.option_name}{nearest(error.option_name, known)}"
    elif type(error).__name__ == "MissingParameter" and context is not None:
        arguments = [p.metavar or p.human_readable_name for p in context.command.params if p.param_type_name == "argument"]
        if error.param is not None and error.param.param_type_name == "argument":
            what = f"missing argument; write {path} {' '.join(arguments)}"
    else:
        what = re.sub(r"\. Did you mean (.*)\?$", lambda m: f" (did you mean {m[1].replace(', ', ' or ')}?)", what)
        for said, plain in PLAIN_VALUES:
            what = re.sub(said, plain, what)
        what = re.sub(r"^Invalid value for '(\S+?)'(?: / '\S+')*: (.)", lambda m: f"{m[1]}: {m[2].lower()}", what)
    return f"{what[:1].lower()}{what[1:]}; `{path} --help` shows how it is called"


PLAIN_VALUES = (
    (r"Input should be a valid integer.*", "write a whole number"), (r"Input should be a valid number.*", "write a number"),
    (r"Input should be greater than or equal to", "write a number of at least"),
    (r"Input should be less than or equal to", "write a number of at most"))
"""What Typer says of a value, and what to do."""


def build(plugins: Plugins, only: str | None = None) -> typer.Typer:
    """Return the application with the commands of the core and of the plugins.

    Args:
        plugins: whose commands to add.
        only: the one command of the core to add; all when None.

    Raises:
        PluginError: a plugin's command has the name of another.
    """
    from dsinspect import commands

    app = typer.Typer(name="dsinspect", cls=OneLine, no_args_is_help=True, rich_markup_mode=None,
                      pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
                      help="Inspect, judge, review and preprocess object-detection datasets.")
    app.callback()(_callback)
    commands.register(app, only)
    owner = dict.fromkeys(commands.COMMANDS, "dsinspect")
    for plugin in plugins.loaded:
        hook = getattr(plugin.module, "dsinspect_commands", None)
        if hook is None:
            continue
        added = typer.Typer()
        try:
            hook(added)
        except PLUGIN_FAULTS as e:
            raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): dsinspect_commands {how(e)}; "
                              f"go on with --no-plugin {plugin.name}") from e
        for name in _names(added):
            if name in owner:
                raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): the command {name!r} is already "
                                  f"{owner[name]}'s; go on with --no-plugin {plugin.name}")
            owner[name] = plugin.name
        _name_faults(added, plugin.name, plugin.origin)
        app.registered_commands += added.registered_commands
        app.registered_groups += added.registered_groups
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; no error ends in a traceback.

    Args:
        arguments: without the program's name; `sys.argv` when None.
    """
    arguments = at_the_front(sys.argv[1:] if arguments is None else arguments)
    environment = {name: os.environ.get(name) for name in (READS_OUTSIDE, LIMITS, NAMED)}
    try:
        only = next((a for a in arguments if a in COMMANDS), None)
        left_alone()
        passed_over()
        Completion.reached = False
        plugins = load_command_plugins(arguments)
        app = build(plugins, only)
        previous = {s: signal.signal(s, _interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            context = contextvars.copy_context()
            context.run(BEGUN.set, plugins)
            context.run(app, arguments, prog_name="dsinspect")
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            report_left_alone(left_alone())
            if only != "report":  # which says so among what it says of the dataset
                for what in passed_over():
                    print(f"dsinspect: {printable(what)}", file=sys.stderr)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else ExitCode.OK if e.code is None else ExitCode.USER_ERROR
    except UserError as e:
        if isinstance(e, PluginCrashedError) and os.environ.get("DSINSPECT_TRACEBACK"):
            traceback.print_exception(e)
        for line in (f"dsinspect: error: {e}", *(f"  {d}" for d in e.details)):
            say(as_named(without_controls(line[:len(line) - len(line.lstrip())] + " ".join(line.split()))))
        return ExitCode.CRASHED if isinstance(e, PluginCrashedError) else ExitCode.USER_ERROR
    except Interrupted as e:
        say("dsinspect: interrupted" if e.number == signal.SIGINT else "dsinspect: terminated")
        return 128 + e.number
    except KeyboardInterrupt:  # before the handler was there
        say("dsinspect: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except OSError as e:
        if e.strerror is None:
            return crash(e)
        say(f"dsinspect: error: {e.filename or 'output'}: {e.strerror}")
        return ExitCode.USER_ERROR
    except Exception as e:
        return crash(e)
    finally:
        for variable, value in environment.items():  # settings of one command do not hold for the next in this process
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
    return ExitCode.OK


def at_the_front(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the options of every command before the command, where Typer looks for them.

    >>> at_the_front(["check", "set", "--read-outside", "--read-limit", "pixels=9"])
    ['--read-outside', '--read-limit', 'pixels=9', 'check', 'set']
    """
    first: list[str] = []
    others: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            others += [argument, *waiting]
        elif argument == "--read-limit":
            first += [argument, *itertools.islice(waiting, 1)]
        elif argument == "--read-outside" or argument.startswith("--read-limit="):
            first.append(argument)
        else:
            others.append(argument)
    return [*first, *others]


def report_left_alone(paths: Sequence[str]) -> None:
    """Say on stderr which text files were not read because links lead to them out of the dataset."""
    if paths:
        named = ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")
        print(f"dsinspect: {counted(len(paths), 'text file')} behind links that lead out of the dataset "
              f"not read: {printable(named)}; --read-outside reads them", file=sys.stderr)


def crash(error: Exception) -> int:
    """Report an error of our own in one line; its traceback is for those who ask for it."""
    if os.environ.get("DSINSPECT_TRACEBACK"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    say(f"dsinspect: internal error: {type(error).__name__}: {' '.join(str(error).split())[:500]} "
        f"({Path(last.filename).name}:{last.lineno}); DSINSPECT_TRACEBACK=1 shows where, please report it")
    return ExitCode.CRASHED


def say(line: str) -> None:
    """Write a last line to stderr; that nobody can be told there (a full disk, a reader that went away) changes no exit code."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def run() -> NoReturn:
    """Run as the program `dsinspect`."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be valid text
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # shards run in parallel; NumPy's own threads would only spin beside them
    gc.set_threshold(200_000, 20, 20)  # records make no cycles; looking for some takes an eighth of a warm run
    if os.name != "nt":
        end_when_told_twice()
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as e:
        say(f"dsinspect: error: output: {e.strerror}")
        code = max(code, ExitCode.USER_ERROR)
    if code < 128:  # after ^C nobody waits for threads that are inside OpenCV
        atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)  # a million records need not be freed one by one


def open_closed_streams() -> None:
    """Give each standard stream that was closed (`>&-`) its number again, so that no file that is written later gets it.

    What is written to stdout fails as on a full disk; what is written to stderr is lost, as the user wants.
    """
    for name, flags, mode in (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - a number, for good


def end_when_told_twice() -> None:
    """End at the second ^C or SIGTERM, whatever a thread is stuck in; what is half written goes.

    Python calls handlers in the main thread only, which may wait for a worker that never comes back; a thread of its own hears
    the signals as they arrive.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def listen() -> None:
        heard = 0
        while number := os.read(reading, 1):
            heard += number[0] in (signal.SIGINT, signal.SIGTERM)
            if heard > 1:
                sweep()
                os._exit(128 + number[0])

    threading.Thread(target=listen, daemon=True).start()


def load_command_plugins(arguments: Sequence[str]) -> Plugins:
    """Load the installed plugins for the commands they add.

    The configuration is read only when a plugin cannot be loaded, to see whether it is disabled there: `--help` has
    no time to spare.
    """
    disabled = [value for flag, value in itertools.pairwise(arguments) if flag == "--no-plugin"]
    disabled += [a.partition("=")[2] for a in arguments if a.startswith("--no-plugin=")]
    try:
        return load_plugins(disabled, all_known=False)
    except PluginError:
        from dsinspect.config import load_config

        dataset = next((Path(a) for a in arguments[1:] if not a.startswith("-") and Path(a).exists()), None)
        more = load_config(dataset).disable_plugins
        if not more:
            raise
        return load_plugins([*disabled, *more], all_known=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dsinspect {__version__}")
        raise typer.Exit


def _callback(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version,
                                          help="Print the version and exit.")] = False,
    outside: Annotated[bool, typer.Option(
        "--read-outside", help="Read files outside of the dataset that its configuration, lists or links lead to.")] = False,
    limit: Annotated[list[str] | None, typer.Option(
        "--read-limit", metavar="NAME=VALUE", help="Read more or less of a dataset than usual: pixels, text_mb, rows, ... "
                                                   "(`limits` in the configuration; docs/limits.md).")] = None,
) -> None:
    """Inspect, judge, review and preprocess object-detection datasets."""
    if outside:
        os.environ[READS_OUTSIDE] = "1"  # workers inherit it
    for setting in limit or ():
        name, _, value = setting.partition("=")
        put_in_force(checked({name: value}, "--read-limit"))


def _name_faults(app: typer.Typer, plugin: str, origin: str) -> None:
    """Let what the commands of a plugin raise name it; their own exit codes, mistakes of the user and trouble with files stay."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _named(command.callback, Blame(plugin, origin, f"command {_name(command)}"))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _name_faults(group.typer_instance, plugin, origin)


def _named(callback: Callable[..., Any], blame: Blame) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except (UserError, OSError, MemoryError):
            raise
        except Exception as e:
            if type(e).__module__.startswith("typer"):  # Exit, Abort, BadParameter, ...
                raise
            raise blame.broke(how(e)) from e
    return run


def _name(command: Any) -> str:
    return command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")


def _names(app: typer.Typer) -> list[str]:
    names = [_name(c) for c in app.registered_commands]
    return names + [g.name for g in app.registered_groups if isinstance(g.name, str)]


def _interrupt(number: int, frame: FrameType | None) -> None:
    if Completion.reached:  # what was asked for is there: an exit code that denies it would have it made again
        return
    while frame is not None:
        if frame.f_code.co_name == "__del__" and hasattr(signal, "setitimer"):  # Python would swallow the exception: try later
            signal.signal(signal.SIGALRM, lambda _, later: _interrupt(number, later))
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            return
        frame = frame.f_back
    signal.signal(number, lambda *_: None)  # what was begun is swept up in peace; `end_when_told_twice` hears the next one
    raise Interrupted(number)
