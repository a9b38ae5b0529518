"""OpenCV's fast mode."""

from googlenet.detection.search_presets import FAST, Preset

PRESET = Preset(spaces=("hsv", "lab"), ks=(150, 300, 450), min_size=100, groupings=FAST)
