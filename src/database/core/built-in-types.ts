/** Types of PostgreSQL itself, by the names under which a parsed statement, or its author, has them. */
export const BUILT_IN_TYPES: ReadonlySet<string> = new Set(
  `bigint bool boolean bpchar bytea character date float4 float8 inet int2 int4 int8 integer interval json jsonb name numeric record regclass smallint
   text time timestamp timestamptz timetz uuid varchar`.split(/\s+/),
);
