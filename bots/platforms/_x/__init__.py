"""The parts of the X platform; `bots/platforms/x.py` is the whole."""
