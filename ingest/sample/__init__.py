"""The sample company: a believable business, written as the extracts of its systems.

Here lives everything that makes sample data; nothing here is used when real extracts are read. The
same settings always give the same bytes.
"""

from ingest.sample.company import SampleSummary, write_company, write_sample_company
from ingest.sample.oddities import Planted
from ingest.sample.settings import Settings

__all__ = ["Planted", "SampleSummary", "Settings", "write_company", "write_sample_company"]
