"""`python -m softswitch.demo`: one whole call through the real switch, shown as it happens."""
