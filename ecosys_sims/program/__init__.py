"""The Fortran program `ecosys` as Python sees it: how it is started, its namelists, parameters and histories."""
