"""Ring pools: which number stands for which values, and which was called. No input or output."""
