"""One self-contained HTML page about a run of the whole chain.

python -m emulator.evaluation.report --run-dir OUT --out OUT/report.html
"""
