"""`capsim schema`: the JSON Schema of model files, for editors."""

import json

from capsim.cli import options
from capsim.cli.output import Format, Output


def schema(*, out: options.Out = None) -> None:
    """Print the JSON Schema of model files, for editors that check while one writes."""
    output = Output(form=Format.JSON, out=out)
    output.check()

    from capsim.model.schema import model_schema

    output.write(json.dumps(model_schema(), indent=2, allow_nan=False) + "\n")
