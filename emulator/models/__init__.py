"""Emulators: causal, streaming, in physical units. One model is one file here and one line in the registry."""
