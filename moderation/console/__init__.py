"""The moderators' console: pages at `/moderation`, for people who decide.

Every page and every act works without a script; htmx only keeps the page from being
loaded anew, and `console.js` adds keys, live counts and pictures on demand. All of it
reads the store in short looks and writes through acts that leave an audit line.

    door      who may come in: keys, Discord, sessions, forged requests
    oauth     asking Discord who somebody is and which roles they have
    pages     templates, and what every page has in common
    lists     the lists, their filters and their search; many at once; exports
    wishes    one wish: its story, its pictures, and what may be done with it
    accounts  one account; bans, tiers, notes
    cases     reports and appeals
    line      the line now: waits, limits, platforms, and the events pages listen to
    policy    the rules in force, and what another rule would have done
    books     the audit, and who moderates
    site      all of it as one application
"""
