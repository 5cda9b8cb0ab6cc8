"""Connectors against real servers: another installation, and a server of faults."""
