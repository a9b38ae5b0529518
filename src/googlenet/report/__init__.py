"""The report room: results as a page that stands beside the paper's printed tables.

Plain values in, plain values out; no file is read or written here.
One figure is one function in figures.py, crop_figures.py (crops, calibration), or pictures.py when it is drawn onto an
image: values in, PNG bytes out; its caption is in captions.py. One table is one function in tables.py (the paper's),
run_tables.py (our results), crop_tables.py (crops, calibration) or record_tables.py (data, provenance): values in, a
Table of text out. sections.py, with crop_sections.py, puts them in order; page.py turns them into HTML and Markdown. Names of classes and files are
untrusted text: they are escaped in page.py and nowhere else.
"""
