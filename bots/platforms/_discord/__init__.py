"""The parts of the Discord platform; `bots/platforms/discord.py` is the whole."""
