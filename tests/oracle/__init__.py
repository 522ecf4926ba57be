"""A second, slow and plain reckoning of every mart, in Python and ``Decimal`` alone.

What lives here: the definitions of the measures, written a second time from their definitions by
walking over rows one by one, so that an auditor can read a formula beside its section of the
measures' book (named under *Source* in each function). One module per subject: ``versions`` (which
content of a document was known), ``conversion`` (rates), ``journal`` (movements), ``balances``
(open items), ``aging``, ``turnover``, ``bad_debt``, ``allowance``, ``promises``, ``attribution``.

What does not: SQL, Polars, DuckDB, pandas, a float, or anything copied from the warehouse. The
only thing shared with the warehouse is its seeds, which are the company's own constants.
"""
