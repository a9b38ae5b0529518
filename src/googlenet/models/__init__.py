"""Networks, and their properties that need no data: layers, initial weights, cost.

Contract: built from plain values (classes, width, input size), takes float images [n, 3, h, w].
"""
