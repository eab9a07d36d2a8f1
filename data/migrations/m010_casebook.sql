-- What the moderators' console lists, counts, searches and remembers.

-- Every wish once, as moderators list it; kept by the triggers below, never by hand.
CREATE TABLE casebook (
    id INTEGER PRIMARY KEY REFERENCES mentions (id),
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    guild TEXT,
    model TEXT,  -- of the engine that drew it
    rule TEXT,  -- the check that last objected
    state TEXT NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0,  -- open reports and appeals
    at REAL NOT NULL
);
CREATE INDEX casebook_state ON casebook (state);
CREATE INDEX casebook_platform ON casebook (platform);
CREATE INDEX casebook_tier ON casebook (tier);
CREATE INDEX casebook_account ON casebook (platform, user_id);
CREATE INDEX casebook_guild ON casebook (guild) WHERE guild IS NOT NULL;
CREATE INDEX casebook_model ON casebook (model) WHERE model IS NOT NULL;
CREATE INDEX casebook_rule ON casebook (rule) WHERE rule IS NOT NULL;
CREATE INDEX casebook_at ON casebook (at);
CREATE INDEX casebook_review ON casebook (id) WHERE (state = 'held' OR reported > 0);
CREATE INDEX casebook_reported ON casebook (id) WHERE reported > 0;

-- What was wished and by whom, to be searched; the words themselves are not kept twice.
CREATE VIRTUAL TABLE casebook_words USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- How many rows of the casebook have a value; the facet 'all' has one.
CREATE TABLE casebook_counters (
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (facet, value)
) WITHOUT ROWID;

-- What happened in each minute; the seconds are those from wish to end, summed.
CREATE TABLE flow (
    minute INTEGER NOT NULL,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (minute, what)
) WITHOUT ROWID;

CREATE TRIGGER casebook_counted AFTER INSERT ON casebook BEGIN
    INSERT INTO casebook_counters (facet, value, n)
        SELECT facet, value, 1 FROM (SELECT 'all' AS facet, '' AS value
            UNION ALL SELECT 'state', NEW.state UNION ALL SELECT 'platform', NEW.platform
            UNION ALL SELECT 'tier', NEW.tier UNION ALL SELECT 'guild', NEW.guild
            UNION ALL SELECT 'model', NEW.model UNION ALL SELECT 'rule', NEW.rule)
        WHERE value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO flow (minute, what, n, seconds)
        VALUES (CAST(NEW.at / 60 AS INTEGER), 'asked', 1, 0)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER casebook_recounted AFTER UPDATE OF state, model, rule ON casebook BEGIN
    UPDATE casebook_counters SET n = n - 1 WHERE (facet, value) IN (
        ('state', OLD.state), ('model', OLD.model), ('rule', OLD.rule));
    INSERT INTO casebook_counters (facet, value, n)
        SELECT facet, value, 1 FROM (SELECT 'state' AS facet, NEW.state AS value
            UNION ALL SELECT 'model', NEW.model UNION ALL SELECT 'rule', NEW.rule)
        WHERE value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER casebook_job AFTER INSERT ON jobs BEGIN
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, NEW.platform, NEW.user_id, NEW.tier,
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            CASE NEW.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
                WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
                WHEN 'discarded' THEN 'failed' ELSE NEW.state END,
            NEW.created_at
        FROM mentions m WHERE m.id = NEW.mention_id;
    INSERT INTO casebook_words (rowid, words)
        VALUES (NEW.mention_id, json_extract(NEW.prompt, '$.wish') || ' ' || NEW.handle);
END;
CREATE TRIGGER casebook_job_state AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
    UPDATE casebook SET state =
        CASE NEW.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
            WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
            WHEN 'discarded' THEN 'failed' ELSE NEW.state END
        WHERE id = NEW.mention_id;
    INSERT INTO flow (minute, what, n, seconds)
        SELECT CAST(coalesce(NEW.finished_at, NEW.created_at) / 60 AS INTEGER),
            CASE NEW.state WHEN 'completed' THEN 'done' WHEN 'held' THEN 'held' ELSE 'failed' END,
            1, max(0, coalesce(NEW.finished_at, NEW.created_at) - NEW.created_at)
        WHERE NEW.state IN ('completed', 'held', 'discarded')
        ON CONFLICT DO UPDATE SET n = n + 1, seconds = seconds + excluded.seconds;
END;
CREATE TRIGGER casebook_job_words AFTER UPDATE OF prompt ON jobs BEGIN
    DELETE FROM casebook_words WHERE rowid = NEW.mention_id;
    INSERT INTO casebook_words (rowid, words)
        VALUES (NEW.mention_id, json_extract(NEW.prompt, '$.wish') || ' ' || NEW.handle);
END;
CREATE TRIGGER casebook_forgotten AFTER UPDATE OF forgotten_at ON mentions
WHEN NEW.forgotten_at IS NOT NULL BEGIN
    DELETE FROM casebook_words WHERE rowid = NEW.id;
END;
CREATE TRIGGER casebook_picture AFTER INSERT ON pictures WHEN NEW.position = 0 BEGIN
    UPDATE casebook SET model = NEW.engine
        WHERE id = (SELECT mention_id FROM jobs WHERE id = NEW.job_id);
END;
CREATE TRIGGER casebook_verdict AFTER INSERT ON journal
WHEN NEW.event = 'verdict' AND json_extract(NEW.detail, '$.ruling') <> 'allow' BEGIN
    UPDATE casebook SET rule = coalesce(nullif(json_extract(NEW.detail, '$.rule'), ''),
            json_extract(NEW.detail, '$.by'))
        WHERE id = NEW.mention_id;
END;
CREATE TRIGGER casebook_refusal AFTER INSERT ON outbox WHEN NEW.say LIKE 'refused%' BEGIN
    INSERT INTO casebook_words (rowid, words)
        SELECT m.id, json_extract(m.payload, '$.text') || ' '
            || json_extract(m.payload, '$.account.handle')
        FROM mentions m WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM casebook k WHERE k.id = m.id)
        AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed);
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, m.platform, m.user_id, coalesce(a.tier, 'free'),
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            'refused', m.received_at
        FROM mentions m
        LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
        WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed)
        ON CONFLICT DO UPDATE SET state = 'refused';
END;
CREATE TRIGGER casebook_reply AFTER UPDATE OF state, withdrawn_at ON outbox
WHEN NEW.say = 'picture' AND (NEW.state = 'parked' OR NEW.withdrawn_at IS NOT NULL) BEGIN
    UPDATE casebook SET state = CASE
            WHEN NEW.withdrawn_at IS NOT NULL THEN 'removed'
            WHEN NEW.attempts = 0 THEN 'cancelled' ELSE 'failed' END
        WHERE id = NEW.mention_id AND state IN ('done', 'failed');
END;
CREATE INDEX cases_ended ON cases (closed_at) WHERE closed_at IS NOT NULL;
CREATE TRIGGER casebook_case AFTER INSERT ON cases BEGIN
    UPDATE casebook SET reported = reported + 1 WHERE id = NEW.mention_id;
END;
CREATE TRIGGER casebook_case_closed AFTER UPDATE OF closed_at ON cases
WHEN OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL BEGIN
    UPDATE casebook SET reported = reported - 1 WHERE id = NEW.mention_id;
END;

-- Who moderates. `login` is "discord:<id>" or "key"; the role is what Discord said last.
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    since REAL NOT NULL,
    seen_at REAL NOT NULL,
    removed_at REAL
);
-- Keys that open the console where nothing else does; only their digests.
CREATE TABLE staff_keys (
    digest TEXT PRIMARY KEY,
    made_at REAL NOT NULL
) WITHOUT ROWID;
-- `digest` is of the cookie, `secret` can be read with the cookie alone.
CREATE TABLE staff_sessions (
    digest TEXT PRIMARY KEY,
    staff INTEGER NOT NULL REFERENCES staff (id),
    made_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    checked_at REAL NOT NULL,
    secret TEXT
) WITHOUT ROWID;
CREATE TABLE staff_attempts (
    id INTEGER PRIMARY KEY,
    remote TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX staff_attempts_remote ON staff_attempts (remote, at);

-- Acts on many wishes at once: done at `due_at`, unless taken back before.
CREATE TABLE bulks (
    id INTEGER PRIMARY KEY,
    staff INTEGER NOT NULL REFERENCES staff (id),
    act TEXT NOT NULL,
    reason TEXT NOT NULL,
    wishes TEXT NOT NULL,  -- JSON list
    made_at REAL NOT NULL,
    due_at REAL NOT NULL,
    done_at REAL,
    undone_at REAL,
    done INTEGER
);
CREATE INDEX bulks_open ON bulks (due_at) WHERE done_at IS NULL AND undone_at IS NULL;

-- Wishes that were there before the casebook was: the same rows the triggers would have made.
INSERT INTO casebook (id, platform, user_id, tier, guild, model, rule, state, at)
    SELECT m.id, m.platform, m.user_id, coalesce(j.tier, a.tier, 'free'),
        json_extract(m.payload, '$.guild'),
        (SELECT p.engine FROM pictures p WHERE p.job_id = j.id AND p.position = 0),
        (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
            WHERE v.mention_id = m.id AND v.event = 'verdict'
            AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
        CASE WHEN o.say LIKE 'refused%' THEN 'refused' WHEN o.withdrawn_at IS NOT NULL
            THEN 'removed' WHEN o.state = 'parked' THEN 'failed'
            ELSE CASE j.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
                WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
                WHEN 'discarded' THEN 'failed' ELSE j.state END END,
        m.received_at
    FROM mentions m LEFT JOIN jobs j ON j.mention_id = m.id
    LEFT JOIN outbox o ON o.mention_id = m.id
    LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
    WHERE (j.id IS NOT NULL OR o.say LIKE 'refused%')
    AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed);
INSERT INTO casebook_words (rowid, words)
    SELECT k.id, coalesce(json_extract(j.prompt, '$.wish'), json_extract(m.payload, '$.text'))
        || ' ' || json_extract(m.payload, '$.account.handle')
    FROM casebook k JOIN mentions m ON m.id = k.id LEFT JOIN jobs j ON j.mention_id = k.id
    WHERE m.forgotten_at IS NULL;
