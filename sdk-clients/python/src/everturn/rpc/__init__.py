"""Connections, and the errors of calls."""
