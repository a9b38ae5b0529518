"""Made-up metrics of measure_cost: the counts are the networks' own, the times are not."""

from googlenet.metrics.cost import Comparison, CostMetrics
from googlenet.report import paper

# Name, title, input px, layers, parameters, multiply-adds, time in relation to GoogLeNet's.
NETWORKS = (
    ("googlenet", "GoogLeNet", 224, 22, 6_998_552, 1_582_671_872, 1.0),
    ("googlenet_wider", "GoogLeNet, wider", 224, 22, 10_609_460, 2_435_725_440, 1.4),
    ("googlenet_deeper", "GoogLeNet, deeper", 224, 28, 10_098_056, 2_230_845_440, 1.3),
    ("googlenet_wider_deeper", "GoogLeNet, wider and deeper", 224, 28, 15_451_520, 3_448_496_640, 1.8),
    ("googlenet_fully_connected", "GoogLeNet, fully connected", 224, 23, 58_379_800, 1_634_052_096, 1.2),
    ("googlenet_naive", "GoogLeNet, naive Inception", 224, 13, 97_526_008, 12_568_061_056, 6.3),
    ("alexnet", "AlexNet (2012)", 227, 8, 60_965_224, 724_406_816, 0.5),
    ("zfnet", "ZFNet (2013)", 224, 8, 62_357_608, 1_168_032_896, 0.7),
    ("network_in_network", "Network in Network (2013)", 224, 12, 7_595_176, 1_100_188_800, 0.5),
    ("vgg_16", "VGG-16 (2014)", 224, 16, 138_357_544, 15_470_264_320, 4.7),
)


def beside() -> Comparison:
    rows = []
    for name, title, input_px, layers, parameters, macs, times in NETWORKS:
        spread = 0.0 if name == "googlenet" else 0.1 * times
        row = {
            "network": name,
            "title": title,
            "year": None,
            "input_px": input_px,
            "layers": layers,
            "parameters": parameters,
            "macs": macs,
            "weights_mb": parameters * 2 / 1e6,
            "activations_mb": 6.7,
            "forward_ms": 20 * times,
            "times_googlenet": {"median": times, "min": times - spread, "max": times + spread},
        }
        rows.append(row)
    machine = {"device": "cpu", "precision": "bf16", "threads": 1, "batch": 1, "repeats": 5}
    values = {**machine, "wider": 1.25, "deeper": ["3b", "4e", "5b"], "networks": rows}
    return Comparison.model_validate(values)


def measure_cost() -> CostMetrics:
    layers = [
        {
            "layer": row.layer,
            "type": row.layer.split("_")[0],
            "output": row.output,
            "depth": row.depth or 0,
            "parameters": row.recount_weights + (row.output[2] if row.recount_weights else 0),
            "weights": row.recount_weights,
            "macs": row.recount_macs,
        }
        for row in paper.table_1()
    ]
    totals = {"parameters": 6_998_552, "weights": 6_990_272, "parameters_with_aux": 13_378_280}
    values = {
        "input_px": 224,
        "classes": 1000,
        "layers": layers,
        "totals": {**totals, "macs": sum(row["macs"] for row in layers)},
        "ours": {"input_px": 64, "width": 0.25, "classes": 10, "parameters": 452_178, "macs": 9_120_000},
        "forward": {**{"device": "cpu", "precision": "bf16", "threads": 1}, **{"batch": 144, "images_per_s": 2301.4}},
        "beside": beside(),
    }
    return CostMetrics.model_validate(values)
