"""What is known and earned of a call: conditions, rating, payout, caps, regions, hours."""
