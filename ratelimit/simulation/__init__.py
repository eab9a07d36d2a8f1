"""What would happen: the real admission, line and controller against a modelled GPU and crowd.

A scenario (`ratelimit/scenarios/*.toml`) says who asks when, and what draws. Time
is the simulation's own, so that a week passes in minutes; everything that decides
is the code that decides in earnest, on a real database.
"""
