"""The sandbox's own social network in the browser: pages, live events and a JSON API.

It is what x.com is to the X platform: people post and read here, and the bot is
one participant among them. Nothing in here knows how a picture is made; all it
shows of a wish is its public ticket and, on demand, its journal.

    people   the demo people and what any handle looks like
    draft    a post as it arrives, checked field by field
    threads  what a thread shows, as plain values
    board    the newest threads, read once for all who watch, rendered when changed
    site     pages, events, pictures
    api      the same timeline as JSON
"""
