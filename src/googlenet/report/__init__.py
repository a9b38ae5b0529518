"""The report: results as a page, next to the paper's printed tables.

Metrics (metrics/) in, text and PNG bytes out; no file is read or written here. Each figure is one function in
figures.py, detection_figures.py, single_image_figures.py or, if drawn onto an image, image_figures.py: metrics in, PNG
bytes out; its caption is in captions.py. Each table is one function in headlines.py (the summary), claims.py (the
paper's claims), tables.py (Tables 1 to 3, cost), detection_tables.py (Tables 4 and 5, switches, classes, errors),
proposal_tables.py, crop_tables.py (crops, calibration), data_tables.py or run_tables.py (members, jobs, provenance):
metrics in, a Table of text out. module_units.py has text, table and figure of the analysis of units, crop_sections.py
text and figures of crops, crop_scales.py those of crops by scale. sections.py, with crop_sections.py, arranges them;
model_card.py builds the classifiers' model card; page.py renders HTML and Markdown, table_files.py CSV and LaTeX.
Names of classes and files are untrusted text: they are escaped in page.py and table_files.py and nowhere else.
"""
