-- slipway: rollback=app because "2.3.0 does not use name any more"
ALTER TABLE customers DROP COLUMN name;
