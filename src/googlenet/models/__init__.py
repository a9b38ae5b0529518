"""Networks and what can be said of them without data: layers, initial weights, cost.

Contract: built from plain values (classes, width, input size), takes float images [n, 3, h, w].
"""
