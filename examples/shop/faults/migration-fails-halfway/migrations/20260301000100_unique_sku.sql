-- Fails: every product still has the SKU the file before gave it.
ALTER TABLE products ADD CONSTRAINT products_sku_unique UNIQUE (sku);
