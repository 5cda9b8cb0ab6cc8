"""The window: Promontory on one person's machine, over its own server on the loopback."""
