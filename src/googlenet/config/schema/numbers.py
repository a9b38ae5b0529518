"""The kinds of numbers that fields share."""

from typing import Annotated

from pydantic import Field, Strict

Fraction = Annotated[float, Field(ge=0, le=1)]
OpenFraction = Annotated[float, Field(ge=0, lt=1)]
Iou = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Confidence = Annotated[float, Field(ge=50, lt=100)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0)]
InputSide = Annotated[int, Field(ge=32)]
Pair = Annotated[tuple[float, float], Strict(False)]
IntPair = Annotated[tuple[int, int], Strict(False)]
Triple = Annotated[tuple[float, float, float], Strict(False)]
