"""From delivered files to the lake: contracts, mappings, readers, typing, quarantine, admission.

What does not live here: expectations about a load (``quality``), models of the business
(``dbt_project``) and the order in which things run (``orchestration``).
"""
