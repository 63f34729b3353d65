import { dbmate } from './dbmate.ts';
import { diesel } from './diesel.ts';
import { drizzle } from './drizzle.ts';
import { flyway } from './flyway.ts';
import { golangMigrate } from './golang-migrate.ts';
import { goose } from './goose.ts';
import { liquibase } from './liquibase.ts';
import { nodePgMigrate } from './node-pg-migrate.ts';
import type { ToolHistory } from './ports.ts';
import { prisma } from './prisma.ts';
import { sqlMigrate } from './sql-migrate.ts';
import { sqlx } from './sqlx.ts';

/** Every tool whose files Slipway applies and whose table it keeps. */
export const TOOLS: readonly ToolHistory[] = [
  prisma,
  drizzle,
  diesel,
  flyway,
  liquibase,
  goose,
  dbmate,
  sqlMigrate,
  nodePgMigrate,
  sqlx,
  golangMigrate,
];
