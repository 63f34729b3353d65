-- Expand: the version that serves neither reads nor writes these columns.
ALTER TABLE customers ADD COLUMN first_name text, ADD COLUMN last_name text;
