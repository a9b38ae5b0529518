"""OpenCV's quality mode."""

from googlenet.detection.search_presets import FAST, Preset

PRESET = Preset(
    # Blue, where the method uses hue: OpenCV overwrites the hue just added with the blue channel. Kept, so that the
    # preset gives OpenCV's boxes.
    spaces=("hsv", "lab", "grey", "blue", "rgi"),
    ks=(150, 300, 450, 600, 750),
    min_size=100,
    groupings=(*FAST, ("fill",), ("size",)),
)
