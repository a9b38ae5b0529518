"""Initial weights, as the Caffe replica has them."""

import torch
from torch import nn


def initialise(model: nn.Module, seed: int) -> None:
    """Give a network the Caffe replica's initial weights: uniform +-sqrt(3 / fan_in); biases 0.2, classifiers 0.

    Batch normalisation, which the replica does not have, begins as the identity. The paper prints none. (torch's xavier_uniform_ is
    another distribution.) Same seed and memory layout, same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = (3 / module.weight[0].numel()) ** 0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.constant_(module.bias, 0.0 if name.split(".")[-1] == "linear" else 0.2)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_parameters()  # scale 1, shift 0, no statistics; draws nothing
