"""The command line. `main` is its entry point; every error that is expected ends as one line."""

import sys
from typing import NoReturn

from capsim.errors import CapsimError

_BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports it
_INTERRUPTED = 130  # 128 + SIGINT


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: without the program's name; none: those of this process.
    """
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except CapsimError as error:
        code = _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _complain("stopped", _INTERRUPTED)
    except MemoryError:
        code = _complain("out of memory; try fewer users or --jobs 1", CapsimError.exit_code)
    except BrokenPipeError:
        code = _BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = _complain(f"{where}{error.strerror or error}", CapsimError.exit_code)
    if code == _BROKEN_PIPE:
        _silence_stdout()
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    # Here and not above, so that Ctrl-C while libraries are loading is met by `main`, too.
    from capsim.cli.interrupt import interrupts

    with interrupts():
        from capsim.cli.app import run

        return run(arguments)


def _complain(message: str, code: int) -> int:
    """Print a message as one line, whatever is in it, and return the exit code."""
    line = " ".join(message.split())
    sys.stderr.write(f"capsim: {line}\n")
    return code


def _silence_stdout() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere, without a word."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
