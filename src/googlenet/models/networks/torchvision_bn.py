"""torchvision's GoogLeNet, a variant of the paper's network, for weights trained in it.

Compared with Table 1: batch normalisation after every convolution and no biases there, no response normalisation,
3x3 where the paper has 5x5, 2x2 in the last max pooling, adaptive average pooling before the auxiliary heads.
"""

from torch import Tensor, nn
from torchvision.models import googlenet

from googlenet.models.network import Kind, NetworkSpec


class TorchvisionGoogLeNet(nn.Module):
    """torchvision's module behind the interface of `models.googlenet.GoogLeNet`; its own input transformation
    (`transform_input`) is off, as the spec defines a network's inputs."""

    def __init__(self, spec: NetworkSpec):
        super().__init__()
        self.network = googlenet(
            num_classes=len(spec.classes),
            aux_logits=bool(spec.architecture.aux_heads),
            transform_input=False,
            init_weights=False,
            dropout=spec.architecture.dropout,
            dropout_aux=spec.architecture.aux_dropout,
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits [n, classes] and, in training, those of the auxiliary heads, the lower one first."""
        output = self.network(x)
        if isinstance(output, Tensor):
            return output, []
        return output.logits, [head for head in (output.aux_logits1, output.aux_logits2) if head is not None]


KIND = Kind(TorchvisionGoogLeNet, None, trunk=False)
