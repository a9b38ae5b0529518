"""The empty job, with the imports of the stages that run a network."""

import torch

from googlenet.models import bundle
from googlenet.pipeline.job import main
from googlenet.planning.empty_job import run

LOADED = (torch, bundle)

if __name__ == "__main__":
    main(run)
