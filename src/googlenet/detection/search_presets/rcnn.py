"""R-CNN's preset: "fast" mode of van de Sande's code, min size = k (at 500 px width, sigma 0.8, no box under 20 px)."""

from googlenet.detection.search_presets import FAST, Preset

PRESET = Preset(spaces=("hsv", "lab"), ks=(50, 100), min_size=None, groupings=FAST)
