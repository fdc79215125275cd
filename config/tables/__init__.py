"""Readers of the sections hours, regions, lists, tables and places, and of CSV files."""
