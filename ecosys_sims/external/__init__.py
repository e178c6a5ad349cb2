"""Ensembles of a user's own EcoSIM, ecosys or Noah-MP: a case for each site, run on the cluster as ours are."""
