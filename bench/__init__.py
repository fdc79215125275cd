"""Measures the switch: cost of signalling, and of media beside a C relay of the same run."""

import os

# Figures are of one core: numpy's library must not start threads of its own. Read when numpy is
# first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
