-- Tiers that can be changed, sums beside the ledger, the tree of the line, temporary limits.

ALTER TABLE accounts ADD COLUMN tier_until REAL;  -- then it is free again; NULL: for good
ALTER TABLE accounts ADD COLUMN arrival REAL NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN in_hand INTEGER NOT NULL DEFAULT 0;

-- `tag` orders a lane: the virtual time at which the wish would be done. `cost` is in
-- ordinary pictures; `steps` and `size` are the shares of the ordinary it is drawn with.
ALTER TABLE jobs ADD COLUMN circle TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN cost REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN tag REAL;
ALTER TABLE jobs ADD COLUMN steps REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN size REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN weight REAL;  -- its tier's, when it was admitted
UPDATE jobs SET circle = platform, cost = json_extract(prompt, '$.count'), tag = id;
DROP INDEX jobs_line;
DROP INDEX jobs_finished;
-- With all that the order of the line asks for, so that the jobs themselves are not read.
CREATE INDEX jobs_line ON jobs (tier, circle, tag, id, cost, not_before)
    WHERE state IN ('available', 'retryable');
CREATE INDEX jobs_age ON jobs (created_at) WHERE state IN ('available', 'retryable');
CREATE INDEX IF NOT EXISTS jobs_held ON jobs (id) WHERE state = 'held';
CREATE INDEX jobs_flow ON jobs (platform, user_id, tier, circle, tag);
CREATE INDEX jobs_finished ON jobs (finished_at, claimed_at, cost) WHERE state = 'completed';

-- The line's tree: lanes (tier and circle), the tiers ('' for circle) and the root (both '').
-- `tag` is the node's start tag among its siblings, `clock` the virtual time below it.
-- `waiting` and `cost` are what waits there now, `asked` all that ever did.
CREATE TABLE lanes (
    tier TEXT NOT NULL,
    circle TEXT NOT NULL,
    weight REAL NOT NULL DEFAULT 1,
    tag REAL NOT NULL DEFAULT 0,
    clock REAL NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    cost REAL NOT NULL DEFAULT 0,
    asked REAL NOT NULL DEFAULT 0,
    steps REAL NOT NULL DEFAULT 1,
    size REAL NOT NULL DEFAULT 1,
    PRIMARY KEY (tier, circle)
) WITHOUT ROWID;
CREATE INDEX lanes_open ON lanes (tier, tag) WHERE waiting > 0 AND circle <> '';

ALTER TABLE charges ADD COLUMN circle TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN channel TEXT;
UPDATE charges SET circle = platform;

-- The ledger's sums, by UTC day and by whose they are: an account's ('platform/user_id'),
-- a circle's, a channel's ('circle/channel') or everybody's ('').
CREATE TABLE balances (
    day TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    reserved INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    PRIMARY KEY (day, scope, key)
) WITHOUT ROWID;

-- What differs from the defaults in the code. NULL: as there.
CREATE TABLE tiers (
    tier TEXT PRIMARY KEY,
    daily INTEGER, burst INTEGER, every REAL, in_hand INTEGER, weight REAL,
    opens_at REAL, share REAL, min_age REAL, floor_steps REAL, floor_size REAL, wait REAL
) WITHOUT ROWID;
-- Units a UTC day for many together; '*' for key is each that has no row of its own.
CREATE TABLE caps (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    daily INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
-- The tier everybody in a circle has at least.
CREATE TABLE circle_tiers (
    circle TEXT PRIMARY KEY,
    tier TEXT NOT NULL,
    until REAL
) WITHOUT ROWID;
CREATE TABLE temporary_limits (
    id INTEGER PRIMARY KEY,
    tier TEXT NOT NULL,
    daily INTEGER,
    backlog REAL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    lifted_at REAL
);
CREATE INDEX temporary_limits_in_force ON temporary_limits (tier) WHERE lifted_at IS NULL;
-- Whom a temporary limit put off, to be told when it is over.
CREATE TABLE put_off (
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    mention_id INTEGER NOT NULL REFERENCES mentions (id),
    at REAL NOT NULL,
    PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;
-- Append-only: who changed which limit, and why.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL  -- JSON
);
-- The controller's memory, one row.
CREATE TABLE melting (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at REAL NOT NULL,
    pace REAL,  -- seconds for an ordinary picture, as measured
    state TEXT NOT NULL  -- JSON
);
-- When a wish was said to be done, and whether it was. Seconds from `at`.
CREATE TABLE promises (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    at REAL NOT NULL,
    class TEXT NOT NULL,
    eta REAL NOT NULL,
    soonest REAL NOT NULL,
    latest REAL NOT NULL,
    took REAL
);
CREATE INDEX promises_kept ON promises (job_id) WHERE took IS NOT NULL;
-- How far estimates of a class are off, as factors, learnt from those before.
CREATE TABLE calibration (
    class TEXT PRIMARY KEY,
    low REAL NOT NULL,
    high REAL NOT NULL
) WITHOUT ROWID;

INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'account', platform || '/' || user_id,
        sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day, platform, user_id;
INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'circle', circle,
        sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day, circle;
INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'total', '', sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day;
UPDATE accounts SET in_hand = coalesce((SELECT sum(units) FROM charges c
    WHERE c.platform = accounts.platform AND c.user_id = accounts.user_id
    AND c.state = 'reserved'), 0);
INSERT INTO lanes (tier, circle, waiting, cost, asked)
    SELECT tier, circle, count(*), sum(cost), sum(cost) FROM jobs
    WHERE state IN ('available', 'retryable') GROUP BY tier, circle;
INSERT INTO lanes (tier, circle, waiting, cost, asked)
    SELECT tier, '', sum(waiting), sum(cost), sum(asked) FROM lanes GROUP BY tier;

-- Sums that follow their rows by themselves, whoever changes them.
CREATE TRIGGER charges_reserved AFTER INSERT ON charges BEGIN
    INSERT INTO balances (day, scope, key, reserved, settled)
    VALUES (NEW.day, 'account', NEW.platform || '/' || NEW.user_id, NEW.units, 0),
           (NEW.day, 'circle', NEW.circle, NEW.units, 0),
           (NEW.day, 'total', '', NEW.units, 0)
    ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved;
    UPDATE accounts SET in_hand = in_hand + NEW.units
    WHERE platform = NEW.platform AND user_id = NEW.user_id;
END;

CREATE TRIGGER charges_in_channel AFTER INSERT ON charges
WHEN NEW.channel IS NOT NULL BEGIN
    INSERT INTO balances (day, scope, key, reserved, settled)
    VALUES (NEW.day, 'channel', NEW.circle || '/' || NEW.channel, NEW.units, 0)
    ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved;
END;

CREATE TRIGGER charges_ended AFTER UPDATE OF state ON charges
WHEN OLD.state = 'reserved' AND NEW.state <> 'reserved' BEGIN
    UPDATE balances SET reserved = reserved - NEW.units,
        settled = settled + NEW.units * (NEW.state = 'settled')
    WHERE day = NEW.day AND scope = 'account'
        AND key = NEW.platform || '/' || NEW.user_id;
    UPDATE balances SET reserved = reserved - NEW.units,
        settled = settled + NEW.units * (NEW.state = 'settled')
    WHERE day = NEW.day AND scope = 'circle' AND key = NEW.circle;
    UPDATE balances SET reserved = reserved - NEW.units,
        settled = settled + NEW.units * (NEW.state = 'settled')
    WHERE day = NEW.day AND scope = 'total' AND key = '';
    UPDATE balances SET reserved = reserved - NEW.units,
        settled = settled + NEW.units * (NEW.state = 'settled')
    WHERE day = NEW.day AND scope = 'channel' AND key = NEW.circle || '/' || NEW.channel;
    UPDATE accounts SET in_hand = in_hand - NEW.units
    WHERE platform = NEW.platform AND user_id = NEW.user_id;
END;

CREATE TRIGGER charges_refunded AFTER UPDATE OF state ON charges
WHEN OLD.state = 'settled' AND NEW.state = 'released' BEGIN
    UPDATE balances SET settled = settled - NEW.units WHERE day = NEW.day AND (
        (scope = 'account' AND key = NEW.platform || '/' || NEW.user_id)
        OR (scope = 'circle' AND key = NEW.circle)
        OR (scope = 'total' AND key = '')
        OR (scope = 'channel' AND key = NEW.circle || '/' || NEW.channel));
END;

CREATE TRIGGER jobs_came AFTER INSERT ON jobs
WHEN NEW.state IN ('available', 'retryable') BEGIN
    INSERT INTO lanes (tier, circle, weight, waiting, cost, asked)
    VALUES (NEW.tier, NEW.circle, 1, 1, NEW.cost, NEW.cost),
           (NEW.tier, '', coalesce(NEW.weight, 1), 1, NEW.cost, NEW.cost)
    ON CONFLICT DO UPDATE SET waiting = waiting + 1, cost = cost + excluded.cost,
        asked = asked + excluded.asked,
        weight = iif(circle = '', coalesce(NEW.weight, weight), weight);
END;

CREATE TRIGGER jobs_left AFTER UPDATE OF state, tier ON jobs
WHEN OLD.state IN ('available', 'retryable')
    AND (NEW.state NOT IN ('available', 'retryable') OR NEW.tier <> OLD.tier) BEGIN
    UPDATE lanes SET waiting = waiting - 1, cost = cost - OLD.cost
    WHERE tier = OLD.tier AND circle = OLD.circle;
    UPDATE lanes SET waiting = waiting - 1, cost = cost - OLD.cost
    WHERE tier = OLD.tier AND circle = '';
END;

CREATE TRIGGER jobs_came_back AFTER UPDATE OF state, tier ON jobs
WHEN NEW.state IN ('available', 'retryable')
    AND (OLD.state NOT IN ('available', 'retryable') OR NEW.tier <> OLD.tier) BEGIN
    INSERT INTO lanes (tier, circle, waiting, cost)
    VALUES (NEW.tier, NEW.circle, 1, NEW.cost), (NEW.tier, '', 1, NEW.cost)
    ON CONFLICT DO UPDATE SET waiting = waiting + 1, cost = cost + excluded.cost;
END;
