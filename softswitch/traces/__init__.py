"""What was said on the wire of calls: kept for whoever looks at one, sent to Homer, saved as pcap.

Nothing of it runs until somebody asks for it; then it is a listener of the SIP stack, of the event
stream and of the taps. Everything is bounded, and secrets are masked before anything is kept.
"""
