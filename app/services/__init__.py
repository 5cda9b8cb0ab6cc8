"""Use cases: plain functions that check the permission, do the work and record the event in one transaction."""
