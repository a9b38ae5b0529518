"""Former spellings of commands, `python -m googlenet.NAME`: the package's `__init__` adds this folder to its path."""
