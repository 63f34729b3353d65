CREATE TABLE products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE orders (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id integer NOT NULL REFERENCES products (id),
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
  customer text NOT NULL,
  status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'shipped')),
  shipped_by text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_new ON orders (id) WHERE status = 'new';

CREATE TABLE worker_heartbeat (
  version text PRIMARY KEY,
  beats bigint NOT NULL,
  at timestamptz NOT NULL
);

INSERT INTO products (name) VALUES ('Anchor'), ('Buoy'), ('Compass'), ('Davit'), ('Ensign');
