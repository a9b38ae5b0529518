"""Classification: sampling of training crops, training, prediction on 144 crops, the ensemble and its errors.

Contract: plain values and arrays in, plain values and arrays out. Only stages know files and configurations.
"""
