"""Promontory: curate approved package feeds."""

__version__ = "0.1.0"
