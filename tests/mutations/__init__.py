"""Files that we read, damaged in many ways: no crash, no traceback, no number that has silently changed.

`python -m tests.mutations --count 10000 [--only NAME]` tries more of them than the suite does.
"""
