ALTER TABLE products ADD COLUMN sku text NOT NULL DEFAULT 'unknown';
