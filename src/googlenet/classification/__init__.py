"""Classification: training crops, training, prediction on 144 crops, the ensemble and its errors.

Contract: typed settings, networks and arrays in, metrics and arrays out. Only stages know about files and jobs.
"""
