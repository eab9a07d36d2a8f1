-- Which mentions are forgotten, because their posts are gone.

ALTER TABLE mentions ADD COLUMN forgotten_at REAL;
