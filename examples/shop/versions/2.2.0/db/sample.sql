-- What `slipway db prove` puts into its databases: names of every shape that customers have, split as the backfill has split them.
INSERT INTO customers (name, first_name, last_name) SELECT given || ' ' || family, given, family FROM
  unnest(ARRAY['Grace', 'Jean-Luc', 'Zoë']) given, unnest(ARRAY['Hopper', 'de la Tour', 'O''Neill']) family;
INSERT INTO orders (product_id, quantity, customer) SELECT 1, 2, name FROM customers;
