"""Runs of the process model at one site with the weather of a forcing file."""
