"""The report room: results as a page that stands beside the paper's printed tables.

Metrics (metrics/) in, text and PNG bytes out; no file is read or written here.
One figure is one function in figures.py or detection_figures.py; in pictures.py when it is drawn onto an image: metrics in,
PNG bytes out; its caption is in captions.py. One table is one function in tables.py (Tables 1 to 3, cost),
detection_tables.py (Tables 4 and 5, switches, classes, errors), proposal_tables.py, crop_tables.py (crops, calibration),
data_tables.py or run_tables.py (our members, jobs, provenance): metrics in, a Table of text out. module_units.py has
words, table and figure of the analysis of units, crop_sections.py words and figures of crops. sections.py, with crop_sections.py, puts them in order; page.py turns
them into HTML and Markdown. Names of classes and files are untrusted text: they are escaped in page.py and nowhere else.
"""
