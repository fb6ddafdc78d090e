"""Ctrl-C as an error of its own, so that it says what was kept."""

from capsim.errors import CapsimError


class StoppedError(CapsimError):
    """The user stopped a command."""

    exit_code = 130  # 128 + SIGINT, as a shell reports it
