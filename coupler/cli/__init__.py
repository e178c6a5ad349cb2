"""The command `ecostep`: look at an artefact, verify it, time it, and run it over netCDF files."""
