"""Evaluation: metrics, climatology baselines, scoring of splits."""
