-- Expand, in a file of its own: no transaction locks two tables at once.
ALTER TABLE orders ADD COLUMN note text;
