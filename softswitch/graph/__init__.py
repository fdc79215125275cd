"""Draws treatments as SVG trees: an outline of the steps, a layout without overlaps, the drawing.

Only looks at the model: whatever was loaded can be drawn. Knows no call and no file.
"""

from softswitch.graph.layout import arrange
from softswitch.graph.outline import UnknownTreatmentError, outline
from softswitch.graph.svg import draw

__all__ = ["UnknownTreatmentError", "arrange", "draw", "outline"]
