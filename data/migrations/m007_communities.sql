-- Servers with wishes of their own, and purchases on a platform.

-- What the people who run a server want of the bot there.
CREATE TABLE guilds (
    platform TEXT NOT NULL,
    guild_id TEXT NOT NULL,
    policy TEXT NOT NULL,  -- JSON of data.guilds.Policy
    PRIMARY KEY (platform, guild_id)
) WITHOUT ROWID;

-- What people have bought on a platform; an account's tier is the best that is in force.
CREATE TABLE entitlements (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    ends_at REAL,
    ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (platform, id)
) WITHOUT ROWID;
CREATE INDEX entitlements_account ON entitlements (platform, user_id);
CREATE INDEX entitlements_end ON entitlements (ends_at) WHERE ended = 0 AND ends_at IS NOT NULL;
