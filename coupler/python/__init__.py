"""Python face of the coupler: a thin layer over the C functions of ``ecostep.h``."""
