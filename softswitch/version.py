"""The version of the switch, in one place."""

VERSION = "0.1.0"
