"""Measurements: what the warehouse costs beside hand-written floors, as ratios in one run.

Here live the data of the measurements, the floors, and the table. Nothing here is a test: a
machine's speed decides no build. Whether answers agree is checked all the same, because a ratio
between different answers says nothing.
"""
