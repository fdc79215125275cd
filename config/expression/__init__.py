"""The expression grammar: text to a checked, typed tree."""
