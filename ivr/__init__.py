"""Treatments: one handler a node type, the flow that walks them, and the prompts they play."""
