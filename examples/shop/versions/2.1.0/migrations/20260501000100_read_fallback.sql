-- How often a version that reads the new shape had to fall back to the old one.
CREATE TABLE read_fallback (shape text PRIMARY KEY, times bigint NOT NULL);
