"""Networks and what can be said of them without data: layers, initial weights, cost.

Contract: a network is built from plain values (classes, width, input size), takes float images [n, 3, h, w] and
imports nothing of ours but the ground floor.
"""
