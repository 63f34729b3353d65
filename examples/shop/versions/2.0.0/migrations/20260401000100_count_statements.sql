-- Who still reads or writes a column is a question of later; from here on PostgreSQL counts.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
