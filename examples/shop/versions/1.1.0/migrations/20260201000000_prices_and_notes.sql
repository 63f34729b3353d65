-- slipway: rollback=app because "the new columns have defaults, and older versions neither read nor write them"
ALTER TABLE products ADD COLUMN price_cents integer NOT NULL DEFAULT 0 CHECK (price_cents >= 0);

UPDATE products SET price_cents = id * 1250;

ALTER TABLE orders ADD COLUMN note text;
