-- What `slipway db prove` puts into its databases: names of every shape that customers have.
INSERT INTO customers (first_name, last_name) SELECT given, family FROM
  unnest(ARRAY['Grace', 'Jean-Luc', 'Zoë']) given, unnest(ARRAY['Hopper', 'de la Tour', 'O''Neill']) family;
INSERT INTO orders (product_id, quantity, customer) SELECT 1, 2, first_name FROM customers;
