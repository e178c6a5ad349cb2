"""The benchmark of observations: towers, protocols, methods, scores and the page. See benchmarks/observations.py."""
