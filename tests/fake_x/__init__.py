"""A fake X on a loopback socket: strict, faulty on demand, and the judge of what was posted.

`server.FakeX` is the door: it lives in the test's process, in a thread of its
own, and is never killed with the bot. `world` is what X remembers, `limits` and
`faults` what it does to its callers, `verdict` what a test asks at the end.
Sections named in docstrings are those of the team's notes on X (platform-x.md).
"""
