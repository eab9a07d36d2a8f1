-- What the controller expects of the line, and when those who were put off come again.

-- JSON of data.melting.Prospect by tier: what a wish that enters now has to expect.
ALTER TABLE melting ADD COLUMN outlook TEXT NOT NULL DEFAULT '{}';
-- When they were told to come again.
ALTER TABLE put_off ADD COLUMN until REAL NOT NULL DEFAULT 0;
CREATE INDEX put_off_told ON put_off (tier, until);
-- What the model of the line said, before it was made an interval; `news` counts the kept
-- promises of a class that its factors were not learnt from yet.
ALTER TABLE promises ADD COLUMN first REAL NOT NULL DEFAULT 0;
ALTER TABLE promises ADD COLUMN last REAL NOT NULL DEFAULT 0;
ALTER TABLE calibration ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
-- The best tier of what an account has bought and that is in force, beside the one it was given.
ALTER TABLE accounts ADD COLUMN bought TEXT;
UPDATE accounts SET bought = tier, tier = 'free', tier_until = NULL WHERE EXISTS (
    SELECT 1 FROM entitlements e WHERE e.platform = accounts.platform
    AND e.user_id = accounts.user_id AND e.tier = accounts.tier AND e.ended = 0);
CREATE INDEX promises_lessons ON promises (class, job_id, took, first, last)
    WHERE took IS NOT NULL;
-- They were learnt of another model.
DELETE FROM calibration;
DELETE FROM promises;
