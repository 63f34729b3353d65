-- slipway: rollback=restore because "moves orders.customer into a table of its own; older versions read the column"
CREATE TABLE customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);

INSERT INTO customers (name) SELECT DISTINCT customer FROM orders;

ALTER TABLE orders ADD COLUMN customer_id integer REFERENCES customers (id);

UPDATE orders SET customer_id = c.id FROM customers c WHERE c.name = orders.customer;

ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL;

ALTER TABLE orders DROP COLUMN customer;
