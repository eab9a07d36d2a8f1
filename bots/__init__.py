"""The lid: platforms, intake, outbox, web app. `__main__` alone wires the rooms."""
