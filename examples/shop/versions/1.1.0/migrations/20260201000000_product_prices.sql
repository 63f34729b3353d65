-- Expand: older versions neither read nor write the column, which may be left out.
ALTER TABLE products ADD COLUMN price_cents integer NOT NULL DEFAULT 0;
