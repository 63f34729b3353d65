import { RULES, type Finding } from '../../database/index.ts';
import type { Linted } from '../commands/db-lint.ts';
import { placeIn } from './lint.ts';
import { ownVersion } from './version.ts';

const LEVELS = { error: 'error', warning: 'warning', notice: 'note' } as const;
const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** A SARIF 2.1.0 log of one run: what code scanning services read. */
export function sarif({ path, files }: Linted): unknown {
  const ids = Object.keys(RULES);
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'slipway',
            version: ownVersion(),
            rules: Object.entries(RULES).map(([id, { why, severity, category }]) => ({
              id,
              shortDescription: { text: why },
              defaultConfiguration: { level: LEVELS[severity] },
              properties: { tags: [category] },
            })),
          },
        },
        // Columns are counted in characters, not in UTF-16 units.
        columnKind: 'unicodeCodePoints',
        results: files.flatMap(({ findings }) => findings.map((one) => result(one, path, ids.indexOf(one.rule)))),
      },
    ],
  };
}

function result(one: Finding, path: string, ruleIndex: number): unknown {
  return {
    ruleId: one.rule,
    ruleIndex,
    level: LEVELS[one.severity],
    message: { text: one.fix === null ? `${one.message}.` : `${one.message}.\nInstead:\n${one.fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(placeIn(path, one.file)) },
          region: { startLine: one.line, startColumn: one.column },
        },
      },
    ],
    ...(one.allowed === null ? {} : { suppressions: [{ kind: 'inSource', justification: one.allowed }] }),
    properties: { certainty: one.certainty },
  };
}
