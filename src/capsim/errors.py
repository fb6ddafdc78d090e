"""The one exception family: every error that a user can cause or meet ends as one clear line."""


class CapsimError(Exception):
    """Base of all errors that capsim raises on purpose; `exit_code` is the command line's."""

    exit_code = 1


class RunError(CapsimError):
    """A run that was asked for correctly could not be finished."""


class InputError(CapsimError):
    """Something the user wrote cannot be used: says where, what, which rule, and the remedy."""

    exit_code = 2

    @classmethod
    def at(
        cls, source: object, key: str, rule: str, *, value: object = None, remedy: str = ""
    ) -> "InputError":
        """Build the line `source: key = value: rule; remedy`, value and remedy if they exist."""
        shown = key if value is None else f"{key} = {_short(value)}"
        tail = f"; {remedy}" if remedy else ""
        return cls(f"{source}: {shown}: {rule}{tail}")


def _short(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
