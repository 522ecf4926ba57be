"""From marts to people: the published copy and the printed scorecard.

Computing a number does not live here: every number comes from a mart.
"""
