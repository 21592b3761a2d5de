"""The report of a fitted search: text in a terminal, HTML in a notebook or in a file."""

from .report import Report

__all__ = ["Report"]
