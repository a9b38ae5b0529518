"""The key figures of a finished experiment, which DVC and MLflow compare: `by_name` is key_figures.json beside the report."""

from googlenet.metrics.base import Metrics
from googlenet.metrics.error_rates import TopErrors


class KeyFigures(Metrics):
    """A few figures of the test split. errors: of systems as in EnsembleMetrics.intervals (single_1, ensemble_144), and
    of the baseline; the others are None without detection."""

    errors: dict[str, TopErrors]
    single_mean_ap_percent: float | None = None
    ensemble_mean_ap_percent: float | None = None
    proposal_coverage_percent: float | None = None
    proposals_per_image: float | None = None

    @property
    def by_name(self) -> dict[str, float]:
        """Each figure by one name: ensemble_144.top1_error_percent."""
        rest = self.model_dump(exclude={"errors"}, exclude_none=True)
        return {
            f"{system}.{error}": value
            for system, each in self.errors.items()
            for error, value in each.to_json().items()
        } | rest
