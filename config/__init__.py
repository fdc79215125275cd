"""Configuration: the model of all that the YAML says, and the loader that makes it."""
