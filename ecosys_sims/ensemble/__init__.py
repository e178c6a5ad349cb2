"""Ensembles: configuration, designs, blocks of sites on a cluster, and the dataset that becomes of them."""
