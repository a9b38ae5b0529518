"""The kinds of networks, one per module: `KIND` defines how one is built and initialised (see models/network.py).

`model.network` in the settings names the module; of this folder only that one counts in the job's code digest.
"""
