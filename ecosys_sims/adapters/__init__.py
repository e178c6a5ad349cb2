"""Bring other people's files to our formats: tower and site weather to forcing files, observed fluxes to datasets."""
