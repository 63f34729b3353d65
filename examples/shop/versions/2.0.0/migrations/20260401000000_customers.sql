CREATE TABLE customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL
);

INSERT INTO customers (name) VALUES ('Ada Lovelace'), ('Cher'), ('Ludwig van Beethoven');
