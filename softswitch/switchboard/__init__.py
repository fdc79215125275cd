"""A call's way through the switch: presented, looked up, treated, recorded."""
