"""The network: how the core asks remote sources, bounded, guarded and cached."""
