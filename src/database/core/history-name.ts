/** Where it can be written down what was applied: in Slipway's own tables, or in those of the tool the project has. */
export const HISTORY_NAMES = [
  'slipway',
  'prisma',
  'drizzle',
  'diesel',
  'flyway',
  'liquibase',
  'goose',
  'dbmate',
  'sql-migrate',
  'node-pg-migrate',
  'sqlx',
  'golang-migrate',
] as const;
export type HistoryName = (typeof HISTORY_NAMES)[number];

/** What slipway.yaml says: one of them, or to tell it from the folder and the database. */
export type WantedHistory = HistoryName | 'auto';
