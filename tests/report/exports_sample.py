"""Made-up metrics of exports, as measure_export writes them."""

from typing import Any

from googlenet.metrics.export import ExportMetrics


def errors(top1: float) -> dict[str, Any]:
    """Errors with their intervals; top-5 is a tenth."""
    tops = {"top1_error_percent": top1, "top5_error_percent": top1 / 10}
    bounds = {top: {"low": value / 2, "high": 2 * value, "confidence_percent": 95} for top, value in tops.items()}
    return {**tops, "intervals": bounds}


def gain(points: float, low: float, high: float) -> dict[str, Any]:
    """A fall in both errors; that of top-5 is a tenth."""

    def of(share: float) -> dict[str, Any]:
        bounds = {"low": share * low, "high": share * high, "confidence_percent": 95}
        return {"difference": share * points, "interval": bounds}

    return {"top1_error_percent": of(1.0), "top5_error_percent": of(0.1)}


def row(name: str, title: str, precision: str, size: int, fall: tuple[float, float, float], apart: float) -> dict:
    """A format."""
    return {
        "format": name,
        "title": title,
        "precision": precision,
        "computed_by": "a library 1.0",
        "file_bytes": size,
        "errors": errors(4.0 - fall[0]),
        "gain": gain(*fall),
        "latency": {"median_ms": 1.25, "quartiles_ms": [1.0, 1.5]},
        "same_first_answer_percent": 100 - 10 * apart,
        "largest_difference": apart,
        "mean_difference": apart / 10,
    }


def measure_export() -> ExportMetrics:
    """Three formats: one exact, one a little worse than the network, one undecided."""
    values = {
        "member": "m1",
        "input_px": 64,
        "parameters": 409_466,
        "macs": 12_345_678,
        "classes": 10,
        "images": 382,
        "calibrated_on": 128,
        "threads": 1,
        "warm_up": 10,
        "repeats": 100,
        "network": {
            "computed_by": "torch 2",
            "errors": errors(4.0),
            "latency": {"median_ms": 2.5, "quartiles_ms": [2.0, 3.0]},
        },
        "formats": [
            row("onnx", "ONNX", "fp32", 2_000_000, (0.0, 0.0, 0.0), 2e-7),
            row("onnx_int8", "ONNX", "int8", 600_000, (-1.5, -2.5, -0.5), 0.2),
            row("openvino_bf16", "OpenVINO's IR", "bf16", 1_000_000, (-0.25, -1.0, 0.5), 0.003),
        ],
    }
    return ExportMetrics.model_validate(values)
