"""The kinds of networks, a module each: `KIND` says how one is built and initialised (see models/network.py).

`model.network` in the settings names the module, and of this folder it alone counts in the job's code digest.
"""
