"""Background work of the process."""
