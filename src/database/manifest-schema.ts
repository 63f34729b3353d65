import { z } from 'zod';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A `BackupManifest` as it stands in its file. */
export const manifestSchema = z.strictObject({
  schema: z.enum(['slipway.backup/1', 'slipway.backup/2']),
  key: z.string(),
  method: z.enum(['pg_dump', 'template', 'command']),
  database: z.string(),
  serverVersion: z.number().int(),
  takenAt: z.iso.datetime(),
  files: z.array(z.strictObject({ name: z.string(), bytes: z.number().int(), sha256: digest })),
  location: z.string().nullable(),
  bytes: z.number(),
  rows: z.record(z.string(), z.number().int()),
  schemaDigest: digest,
});
