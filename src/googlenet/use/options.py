"""Options shared by the commands that use networks. Does not import torch, so that help is fast."""

import math
from typing import Any, get_args

import click

from googlenet.config.schema.shared import EngineName


class Real(click.FloatRange):
    """A finite number within bounds; click's own range takes NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Fail for NaN and the infinities, too."""
        if not math.isfinite(number := super().convert(value, param, ctx)):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


RESULTS = click.option("--experiment", default="", metavar="NAME", help="or its results folder; default: params.yaml's")
MEMBER = click.option("--member", default="", metavar="NAME", help="one network; the ensemble of all if left out")
DEVICE = click.option("--device", type=click.Choice(["cpu", "cuda"]), default=None, help="the experiment's if left out")
ENGINE = click.option(
    "--engine", type=click.Choice(get_args(EngineName)), default=None, help="that of the stages if left out"
)
