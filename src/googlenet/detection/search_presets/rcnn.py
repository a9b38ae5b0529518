"""R-CNN's: the "fast" mode of van de Sande's code as R-CNN ran it, with min size = k."""

from googlenet.detection.search_presets import FAST, Preset

PRESET = Preset(spaces=("hsv", "lab"), ks=(50, 100), min_size=None, groupings=FAST)
