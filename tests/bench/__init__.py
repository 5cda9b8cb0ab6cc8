"""Measure Promontory over real HTTP against floors and a peer, all in one run."""
