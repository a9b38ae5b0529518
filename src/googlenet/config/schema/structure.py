"""Settings of the sparsity idea carried out: deriving a structure from data, and comparing it at equal cost."""

from typing import Annotated

from pydantic import Field

from googlenet.config.schema import shared
from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.classification import Seeds, TrainAblation, Variant
from googlenet.config.schema.shared import Confidence, Count, OpenFraction, Positive, Whole

OpenShare = Annotated[float, Field(gt=0, lt=1)]


class DeriveStructure(shared.Computes):
    """Structures of one cost: derived layer by layer from correlations (section 3), GoogLeNet's, and random ones."""

    budget_macs: Whole = Field(
        description="Multiply-adds of one image, without auxiliary heads; 0: those of the experiment's own GoogLeNet"
    )
    seeds: Seeds = Field(description="Two or more different ones: each derives a structure, and trains every row once")
    random_structures: Count = Field(description="Random structures per seed, with which the derived one is compared")
    images: Count = Field(description="Most training images, for the correlations and the brief trainings")
    correlation: OpenFraction = Field(
        description="Clusters of units are joined while the mean correlation between them is no less"
    )
    units_per_cluster: Annotated[float, Field(ge=1)] = Field(description="Mean of a layer, at most")
    mass: OpenShare = Field(
        description="A cluster's kernel is the smallest of 1x1, 3x3 and 5x5 that holds this share of its squared correlation"
    )
    embedding: OpenShare = Field(
        description="A reduction has as many units as principal components with this share of its input's variance"
    )
    stem_epochs: Count = Field(description="Epochs of the stem's training, under a linear classifier only")
    module_epochs: Count = Field(description="Epochs of each module's training, on the fixed layers below it")
    batch_size: Count = Field(description="Images per step of these trainings")
    learning_rate: Positive = Field(description="Learning rate of all these steps")
    model: shared.Model = Field(description="The network whose modules are derived")

    @property
    def variants(self) -> dict[str, Variant]:
        """The structures to train, by name: GoogLeNet, the derived one and the random ones, with every seed."""
        rows = ("googlenet", "derived", *(f"random_{number + 1}" for number in range(self.random_structures)))
        made = [Variant.of(row, seed) for row in rows for seed in self.seeds]
        return {variant.name: variant for variant in made}


class TrainStructure(TrainAblation):
    """One structure trained with one seed, as a member is trained but for its initial weights."""

    initialisation: shared.Initialisation = Field(
        description="Replaces model.initialisation: with the replica's, some structures would not start to learn"
    )
    input_scale: Positive = Field(
        description="Replaces model.input_scale: He's weights need inputs of about unit variance"
    )


class CompareStructures(StageSettings):
    """Derived structures against GoogLeNet and against random ones: differences paired over seeds and images."""

    confidence_percent: Confidence = Field(description="Confidence level of every interval, percent")
    about: str = Field(description="One line for the head of the page")
