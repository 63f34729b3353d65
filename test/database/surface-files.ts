/** What the files below are in step with. */
export const SCHEMA = `CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE people (id bigserial PRIMARY KEY, full_name varchar(80) NOT NULL, mood mood NOT NULL DEFAULT 'fine', tags text[] NOT NULL,
  age int, balance numeric(10,2), settings jsonb NOT NULL, born timestamptz(3), active boolean NOT NULL);
CREATE TABLE orders (id uuid PRIMARY KEY, person_id bigint NOT NULL REFERENCES people, note text);
CREATE TABLE schema_migrations (version text);`;
export const PRISMA = `datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL") // postgres://...
}

/// A person
model Person {
  id       BigInt    @id @default(autoincrement())
  fullName String    @map("full_name") @db.VarChar(80)
  mood     Mood      @default(fine)
  tags     String[]
  age      Int?
  balance  Decimal?  @db.Decimal(10, 2)
  settings Json
  born     DateTime? @db.Timestamptz(3)
  active   Boolean
  orders   Order[]

  @@map("people")
}

model Order {
  id       String  @id @db.Uuid
  personId BigInt  @map("person_id")
  person   Person  @relation(fields: [personId], references: [id])
  note     String?

  @@map("orders")
}

enum Mood {
  fine
  bad

  @@map("mood")
}
`;
export const DRIZZLE = `import { bigint, bigserial, boolean, integer, jsonb, numeric, pgEnum, pgTable, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core';
export const mood = pgEnum('mood', ['fine', 'bad']);
const active = { active: boolean().notNull() };
export const people = pgTable('people', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  fullName: varchar('full_name', { length: 80 }).notNull(),
  mood: mood().default('fine').notNull(),
  tags: text().array().notNull(),
  age: integer(),
  balance: numeric({ precision: 10, scale: 2 }),
  settings: jsonb().$type<{ a: string }>().notNull(),
  born: timestamp({ withTimezone: true, precision: 3 }),
  ...active,
});
export const orders = pgTable('orders', (t) => ({
  id: t.uuid('id').primaryKey(),
  personId: t.bigint({ mode: 'bigint' }).notNull().references(() => people.id),
  note: t.text(),
}));
`;
const KYSELY = `import type { ColumnType } from 'kysely';
export type Generated<T> = T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
export type Mood = 'bad' | 'fine';
export interface Orders { id: string; note: string | null; person_id: Int8; }
export interface People {
  active: boolean;
  age: number | null;
  balance: Numeric | null;
  born: Timestamp | null;
  full_name: string;
  id: Generated<Int8>;
  mood: Generated<Mood>;
  settings: Json;
  tags: string[];
}
export interface DB { orders: Orders; people: People; }
`;
const SUPABASE = `export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]
export type Database = {
  public: {
    Tables: {
      orders: { Row: { id: string; note: string | null; person_id: number }; Insert: { id: string } }
      people: {
        Row: {
          active: boolean; age: number | null; balance: number | null; born: string | null; full_name: string
          id: number; mood: Database["public"]["Enums"]["mood"]; settings: Json; tags: string[]
        }
      }
    }
    Enums: { mood: "fine" | "bad" }
  }
}
`;
export const RAILS = `ActiveRecord::Schema[7.1].define(version: 2026_01_01) do
  create_enum "mood", ["fine", "bad"]

  create_table "orders", id: :uuid, default: nil, force: :cascade do |t|
    t.bigint "person_id", null: false
    t.text "note"
    t.index ["person_id"], name: "i"
  end

  create_table "people", force: :cascade do |t|
    t.string "full_name", limit: 80, null: false
    t.enum "mood", default: "fine", null: false, enum_type: "mood"
    t.text "tags", null: false, array: true
    t.integer "age"
    t.decimal "balance", precision: 10, scale: 2
    t.jsonb "settings", null: false
    t.timestamptz "born", precision: 3
    t.boolean "active", null: false
  end

  add_foreign_key "orders", "people"
end
`;
const SNAPSHOT = JSON.stringify(
  {
    version: '7',
    dialect: 'postgresql',
    tables: {
      'public.people': {
        name: 'people',
        schema: '',
        columns: Object.fromEntries(
          [
            ['id', 'bigserial', true],
            ['full_name', 'varchar(80)', true],
            ['mood', 'mood', true, 'public'],
            ['tags', 'text[]', true],
            ['age', 'integer', false],
            ['balance', 'numeric(10, 2)', false],
            ['settings', 'jsonb', true],
            ['born', 'timestamp (3) with time zone', false],
            ['active', 'boolean', true],
          ].map(([name, type, notNull, typeSchema]) => [
            name,
            { name, type, notNull, ...(typeSchema === undefined ? {} : { typeSchema }) },
          ]),
        ),
      },
      'public.orders': {
        name: 'orders',
        schema: '',
        columns: {
          id: { name: 'id', type: 'uuid', primaryKey: true, notNull: true },
          person_id: { name: 'person_id', type: 'bigint', notNull: true },
          note: { name: 'note', type: 'text', notNull: false },
        },
      },
    },
    enums: { 'public.mood': { name: 'mood', schema: 'public', values: ['fine', 'bad'] } },
  },
  null,
  2,
);
export const DUMP = `\\restrict abc
SET search_path = public;
${SCHEMA.replace(/CREATE TABLE schema_migrations.*/, '')}
ALTER TABLE public.people OWNER TO somebody;
GRANT SELECT ON people TO nobody_here;
\\unrestrict abc
`;
const OPENAPI = `openapi: 3.1.0
info: { title: shop, version: '1' }
components:
  schemas:
    Person:
      x-table: people
      type: object
      properties:
        fullName: { type: string }
        age: { type: [integer, 'null'] }
        url: { type: string, x-column: none }
    Orders:
      type: object
      properties: { total: { type: number } }
`;
const GRAPHQL = `directive @table(name: String!) on OBJECT
directive @column(name: String!) on FIELD_DEFINITION
scalar DateTime
enum Mood { FINE BAD }

"A person"
type Person @table(name: "people") {
  id: ID!
  fullName: String!
  mood: Mood!
  tags: [String!]!
  age: Int
  since: DateTime @column(name: "born")
  url: String! @column(name: "none")
  orders: [Order!]!
  greeting(language: String): String!
}
type Order { id: ID!, total: Float }
type Query { people: [Person!]! }
`;
export const SQLC = `version: "2"
sql:
  - engine: postgresql
    schema: migrations
    queries: queries
`;
export const QUERIES = `-- name: GetPerson :one
SELECT * FROM people WHERE id = @id AND age > sqlc.narg('age');

-- name: Orders :many
SELECT sqlc.embed(orders) FROM orders WHERE person_id = $1 AND note = sqlc.arg(note) AND settings_of(1) IS NULL;
`.replace(' AND settings_of(1) IS NULL', '');

export const GOOD: Readonly<Record<string, string>> = {
  'prisma/schema.prisma': PRISMA,
  'src/db/schema.ts': DRIZZLE,
  'src/db/types.ts': KYSELY,
  'src/database.types.ts': SUPABASE,
  'db/schema.rb': RAILS,
  'db/structure.sql': DUMP,
  'drizzle/meta/0001_snapshot.json': SNAPSHOT,
  'openapi.yaml': OPENAPI,
  'schema.graphql': GRAPHQL,
  'sqlc.yaml': SQLC,
};
