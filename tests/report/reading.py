"""How the tests read what the report consists of: a page's tags and text, a figure's pixels."""

import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Collects the tags, attributes and text of a page; fails when tags do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.ids = [], [], [], set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, key, value) for key, value in attrs]
        self.ids |= {value for key, value in attrs if key == "id"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    """Parse a whole page."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def decoded(png):
    """The pixels of a PNG that says neither what made it nor when: uint8 [height, width, 3]."""
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG" and not image.info.get("Software") and "Creation Time" not in image.info
    return np.asarray(image.convert("RGB"))
