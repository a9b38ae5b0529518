"""Options shared by the commands that use networks. Does not import torch, so that help is fast."""

from typing import get_args

import click

from googlenet.config.schema.shared import EngineName

RESULTS = click.option(
    "--experiment", default="", metavar="NAME", help="or its folder of results; params.yaml's if left out"
)
MEMBER = click.option("--member", default="", metavar="NAME", help="one network; the ensemble of all if left out")
DEVICE = click.option("--device", type=click.Choice(["cpu", "cuda"]), default=None, help="the experiment's if left out")
ENGINE = click.option(
    "--engine", type=click.Choice(get_args(EngineName)), default=None, help="that of the stages if left out"
)
