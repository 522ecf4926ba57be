"""Other ways to the same answers, each as good as its own kind allows, and ours among them.

Every module is one competitor: it loads the same CSV extracts, answers the questions of
`benchmarks.others.questions`, and leaves the answers in a folder. How they are run, measured and
compared does not live here: `benchmarks.side_by_side` does that.
"""
