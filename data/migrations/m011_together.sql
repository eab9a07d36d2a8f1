-- Wishes that enter at the same time are counted at the same time.

-- What enters is counted by whoever writes it, once for all that enter in one act
-- (`data/ledger.py`, `data/lanes.py`, `data/enrolment.py`). Row by row it costs more than all
-- the rest of an admission; even a trigger whose WHEN is never true costs 2 us a row.
-- What becomes of it later still follows by triggers.
DROP TRIGGER charges_reserved;
DROP TRIGGER charges_in_channel;
DROP TRIGGER jobs_came;
DROP TRIGGER jobs_hit;
DROP TRIGGER jobs_held_at_once;
DROP TRIGGER casebook_job;
DROP TRIGGER casebook_counted;
-- An account's charges of a day are found by its mentions.
DROP INDEX charges_day;
-- Wishes are numbered as they come: a moment is found by halving (`casebook._first_after`).
DROP INDEX casebook_at;
-- What a check refused enters the casebook one by one; '' is for the time until it is counted.
DROP TRIGGER casebook_refusal;
CREATE TRIGGER casebook_refusal AFTER INSERT ON outbox WHEN NEW.say LIKE 'refused%'
AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = NEW.mention_id AND h.sealed) BEGIN
    INSERT INTO casebook_words (rowid, words)
        SELECT m.id, json_extract(m.payload, '$.text') || ' '
            || json_extract(m.payload, '$.account.handle')
        FROM mentions m WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM casebook k WHERE k.id = m.id);
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, m.platform, m.user_id, coalesce(a.tier, 'free'),
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            '', m.received_at
        FROM mentions m
        LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
        WHERE m.id = NEW.mention_id
        ON CONFLICT DO NOTHING;
    INSERT INTO casebook_counters (facet, value, n)
        SELECT f.key, f.value, 1 FROM casebook k, json_each(json_object('all', '', 'platform',
            k.platform, 'tier', k.tier, 'guild', k.guild, 'rule', k.rule)) AS f
        WHERE k.id = NEW.mention_id AND k.state = '' AND f.value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO flow (minute, what, n, seconds)
        SELECT CAST(at / 60 AS INTEGER), 'asked', 1, 0 FROM casebook
        WHERE id = NEW.mention_id AND state = ''
        ON CONFLICT DO UPDATE SET n = n + 1;
    UPDATE casebook SET state = 'refused' WHERE id = NEW.mention_id;
END;
