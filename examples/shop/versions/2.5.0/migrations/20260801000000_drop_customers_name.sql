-- slipway: rollback=app because "2.4.0 neither reads nor writes name"
-- slipway: ledger new-code "2.5.0 is 2.4.0 with this file"
-- slipway: ledger workers "they read orders only"
-- slipway: ledger reporting "none"
-- slipway: ledger artifacts "none: nothing is generated from the schema"
-- slipway: ledger validation "SELECT count(*) FROM customers WHERE first_name IS NULL OR last_name IS NULL"
ALTER TABLE customers DROP COLUMN name;
