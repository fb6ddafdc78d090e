"""The commands put together, and the parser's own complaints in capsim's words."""

import functools
from collections.abc import Callable
from typing import Annotated

import typer

from capsim.cli.audit import audit
from capsim.cli.bounds import bounds
from capsim.cli.calibrate import calibrate
from capsim.cli.capacity import capacity
from capsim.cli.import_ import import_
from capsim.cli.interrupt import StoppedError
from capsim.cli.models import models
from capsim.cli.predict import predict
from capsim.cli.schema import schema
from capsim.cli.simulate import simulate
from capsim.cli.sweep import sweep
from capsim.cli.whatif import whatif
from capsim.errors import InputError

_ABOUT = """Predict the capacity of a Python web stack, from cheap load tests and a model of it.

Start with: capsim predict --users 1000
"""

# The parser's usage errors; some versions of typer carry the parser inside, so it has no home of
# its own to import it from.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code.

    Raises:
        CapsimError: anything that the user can cause or meet.
    """
    try:
        code = _build()(arguments, prog_name="capsim", standalone_mode=False)
    except _UsageError as error:
        raise _in_one_line(error) from None
    except typer.Abort:
        raise StoppedError("stopped") from None
    if code == StoppedError.exit_code:  # Ctrl-C met the parser itself
        raise StoppedError("stopped")
    return code if isinstance(code, int) else 0


def _build() -> typer.Typer:
    app = typer.Typer(
        help=_ABOUT,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_top)
    for command in (
        *(predict, capacity, sweep, whatif, bounds, audit),
        *(calibrate, simulate, models, schema),
    ):
        app.command()(_stoppable(command))
    app.command("import")(_stoppable(import_))
    return app


def _top(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from capsim import __version__

        typer.echo(f"capsim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """Let Ctrl-C end a command with a word of its own, before the parser sees it."""

    @functools.wraps(command)
    def wrapped(**options: object) -> None:
        try:
            command(**options)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None

    return wrapped


def _in_one_line(error: Exception) -> InputError:
    """Return the parser's complaint with the command whose --help says more."""
    text = str(getattr(error, "format_message", error.__str__)()).strip().rstrip(".")
    text = text.replace(": Input ", ": ").replace(": Value error, ", ": ")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "capsim"
    return InputError(f"{text[:1].lower()}{text[1:]}; see {command} --help")
