-- slipway: rollback=app because "2.1.0 and 2.2.0 give every customer a name, so the default changes nothing for them"
-- For the version after this one, which does not write it any more.
ALTER TABLE customers ALTER COLUMN name SET DEFAULT '';
