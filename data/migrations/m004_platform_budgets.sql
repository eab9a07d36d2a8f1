-- Limits, money and health of the platforms we post on.

-- A platform's own limits as we believe them; its answers overwrite them.
CREATE TABLE windows (
    platform TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    used INTEGER NOT NULL,
    resets_at REAL NOT NULL,
    PRIMARY KEY (platform, endpoint, name)
) WITHOUT ROWID;

-- Endpoints that must not be asked before `until`.
CREATE TABLE pauses (
    platform TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    until REAL NOT NULL,
    strikes INTEGER NOT NULL,
    probing INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (platform, endpoint)
) WITHOUT ROWID;

-- One row for each thing paid for: platforms charge a thing once a UTC day.
-- Amounts are in millionths of a US dollar; 'unclear' ones may have been charged.
CREATE TABLE spending (
    platform TEXT NOT NULL,
    day TEXT NOT NULL,
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (platform, day, kind, thing)
) WITHOUT ROWID;
CREATE INDEX spending_thing ON spending (platform, kind, thing);

-- A reply's place in the platform's windows, and its money, kept free while it is drawn.
CREATE TABLE slots (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    platform TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL,
    reserved_at REAL NOT NULL,
    ended_at REAL
);
CREATE INDEX slots_reserved ON slots (platform) WHERE state = 'reserved';

-- Platforms whose writer stopped because the account needs a person.
CREATE TABLE breakers (
    platform TEXT PRIMARY KEY,
    tripped_at REAL NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;

-- What a day cost, and what it bought.
CREATE VIEW spend_log AS
SELECT
    s.platform AS platform,
    s.day AS day,
    round(sum(CASE WHEN s.state = 'spent' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd,
    round(sum(CASE WHEN s.state = 'unclear' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd_unclear,
    (SELECT count(*) FROM outbox o WHERE o.platform = s.platform AND o.state = 'posted'
        AND o.say = 'picture' AND date(o.posted_at, 'unixepoch') = s.day) AS replies,
    round(sum(s.amount) / 1e6 / nullif((SELECT count(*) FROM outbox o
        WHERE o.platform = s.platform AND o.state = 'posted' AND o.say = 'picture'
        AND date(o.posted_at, 'unixepoch') = s.day), 0), 6) AS usd_per_reply
FROM spending s
GROUP BY s.platform, s.day;
