import fc from 'fast-check';
import { line, pick } from './pick.ts';

/** A column that is added, and a rule over it or a table that does not stay, in one file. */
export const newColumn: fc.Arbitrary<string> = fc
  .tuple(
    pick(
      'int',
      'text',
      'bigserial',
      'int DEFAULT 3',
      'text CHECK (n > email)',
      "text CHECK (n IN ('a') AND n <> 'b')",
      'int CHECK (n = age)',
    ),
    line(`
  CREATE UNIQUE INDEX ON users (n)
  CREATE UNIQUE INDEX ON users (n, email)
  CREATE UNIQUE INDEX ON users (n) NULLS NOT DISTINCT
  CREATE UNIQUE INDEX ON users ((1 / age), n)
  ALTER TABLE users ADD UNIQUE (n)
  ALTER TABLE users ADD FOREIGN KEY (n) REFERENCES users
  ALTER TABLE users ADD FOREIGN KEY (n) REFERENCES users NOT VALID
  ALTER TABLE users ADD CHECK (n > 5)
  ALTER TABLE users ADD CHECK (n > 5 OR age > 20) NOT VALID
  ALTER TABLE users ADD CHECK (n BETWEEN 1 AND 2 AND NOT n = 7)
  ALTER TABLE users ALTER n SET DEFAULT 3, ADD UNIQUE (n)
  CREATE TABLE fresh AS SELECT n FROM users; DROP TABLE fresh
  CREATE TABLE fresh (id int PRIMARY KEY); ALTER TABLE orders ADD COLUMN n int REFERENCES fresh; TRUNCATE fresh CASCADE
  CREATE TABLE fresh (id int, at date NOT NULL, kind text) PARTITION BY LIST (id); ALTER TABLE fresh ATTACH PARTITION spare FOR VALUES IN (1); DROP TABLE fresh
`),
  )
  .map(([of, then]) => `ALTER TABLE users ADD COLUMN n ${of}; ${then}`);
