"""Measures hearing, on sound that it makes itself; one module a kind of figure.

A module that measures has `run(*, quick: bool) -> list[Figure]`; whatever more it has to show (a
curve, a table of engines) it prints itself. Which modules there are stands in `table.py`.
"""
