"""Stage, the run directory, and the transfer pipeline."""
