"""Show on one machine that every way of running a model gives what the CPU gives."""
