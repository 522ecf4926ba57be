"""Wiring: settings, Dagster definitions and the commands that start a refresh or the UI.

What a file, a load, a model or a published copy is does not live here: `ingest`, `quality`,
`dbt_project` and `reporting` know that and are called in turn. Importing this package imports
nothing heavy, because a refresh with nothing to do must end in a second.
"""
