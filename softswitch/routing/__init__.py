"""Where calls come from and go to: trunks, addresses, failover, causes. No input or output."""
