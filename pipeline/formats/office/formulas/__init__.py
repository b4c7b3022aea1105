"""Formulas of office files and pages as LaTeX."""
