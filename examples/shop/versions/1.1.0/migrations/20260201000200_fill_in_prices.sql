-- slipway: rollback=app because "older versions neither read nor write price_cents"
-- Backfill: so few rows need no `slipway db backfill`.
UPDATE products SET price_cents = id * 1250;
