"""Parts that several networks share, and losses that torch does not have."""
