"""Waiting for what another process does."""

import time


def until(happens, limit_s=60):
    """Wait for something that must happen."""
    for _ in range(limit_s * 50):
        if happens():
            return
        time.sleep(0.02)
    raise AssertionError("did not happen")
