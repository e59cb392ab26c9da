"""Conferral: issues and shows learning credentials."""

__version__ = "0.1.0"
