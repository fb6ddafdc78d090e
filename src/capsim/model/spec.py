"""The base of every part of a model: frozen, keyword-only, checked once when it is read."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Spec(BaseModel):
    """A frozen part of a model; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
# Each of these is a thing of its own in a simulation, with memory of its own.
Replicated = Annotated[int, Field(ge=1, le=10_000)]
Numbered = Annotated[int, Field(ge=1, le=100_000)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
