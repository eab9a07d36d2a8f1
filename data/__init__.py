"""The vocabulary and the memory. Imports nothing of ours; all SQL lives here."""
