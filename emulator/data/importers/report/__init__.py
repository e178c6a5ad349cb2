"""The report of an import: what was seen, what is doubtful, as text and as a page."""
