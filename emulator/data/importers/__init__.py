"""Bring other people's files to a dataset: towers and process models by a mapping, with a report of what was seen."""
