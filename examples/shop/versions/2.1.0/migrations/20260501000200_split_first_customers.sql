-- slipway: rollback=app because "2.0.0 neither reads nor writes these columns"
-- Customers whom a migration made are split by one: a new environment has no others, and runs no backfill.
UPDATE customers SET first_name = split_part(name, ' ', 1), last_name = substr(name, length(split_part(name, ' ', 1)) + 2) WHERE id <= 3;
