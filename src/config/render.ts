import { stringify } from 'yaml';
import { INSTALLED_SCHEMA, type Detection } from './detect.ts';

/** Lets editors check and complete the file (Red Hat's YAML language server reads this line). */
const SCHEMA_LINE = `# yaml-language-server: $schema=./${INSTALLED_SCHEMA}`;
/** Where Slipway is no dependency of the project, that file would not be there. */
const SCHEMA_HOW =
  '# For checks and completion in an editor: `slipway schema > slipway.schema.json`, then the line `# yaml-language-server: $schema=./slipway.schema.json`.';

/** A working, commented slipway.yaml for what was found; what was not found is said where it belongs. */
export function renderConfig(detection: Detection): string {
  const blocks = [head(detection), processes(detection), database(detection), commands(detection), smoke(detection), rest(detection)];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function head(detection: Detection): readonly string[] {
  const found = detection.sources.length === 0 ? 'nothing that says how this project runs' : detection.sources.join(', ');
  const unknowns =
    detection.unknowns.length === 0
      ? []
      : ['#', '# Please check, because it could not be determined:', ...detection.unknowns.map((unknown) => `#   - ${oneLine(unknown)}`)];
  return [
    detection.schemaInstalled ? SCHEMA_LINE : SCHEMA_HOW,
    `# How Slipway releases this service. Every key: docs/configuration.md of Slipway.`,
    `# Written by \`slipway init\` from ${oneLine(found)}.`,
    ...unknowns,
    '',
    `service: ${scalar(detection.service)}`,
    `listen: ${detection.listen}  # where users reach the service; Slipway's router listens here`,
  ];
}

function processes(detection: Detection): readonly string[] {
  const lines = detection.processes.flatMap((process) => [
    `  ${process.name}:  # from ${oneLine(process.from)}`,
    `    run: ${scalar(process.run)}`,
    ...(process.health === null
      ? []
      : [`    health: ${scalar(process.health)}  # answers 200 when ready; the process must listen on $PORT`]),
  ]);
  return ['processes:', ...lines];
}

function database({ database: found }: Detection): readonly string[] {
  if (found === null) return ['# database:  # no database was found', '#   url: ${env:DATABASE_URL}', '#   migrations: migrations'];
  const migrations =
    found.migrations === null
      ? null
      : `  migrations: ${scalar(found.migrations)}  # SQL files; a tool's own table goes on saying what is applied`;
  const migrate = found.migrate === null ? null : `  migrate: ${scalar(found.migrate)}`;
  return [
    'database:',
    `  url: \${env:${found.variable}}  # set the variable where Slipway runs; never write the value here`,
    ...(found.variable === 'DATABASE_URL' ? [] : [`  env: ${found.variable}`]),
    migrations ?? migrate ?? '  # migrations: migrations  # not found; a folder of ordered SQL files, or `migrate: COMMAND`',
    '  backup: auto',
  ];
}

function commands(detection: Detection): readonly string[] {
  return [
    detection.build === null ? '# build: make  # not found; the command that makes what is released' : `build: ${scalar(detection.build)}`,
    detection.test === null ? '# test: npm test  # not found; the command that tests the change' : `test: ${scalar(detection.test)}`,
  ];
}

function smoke(detection: Detection): readonly string[] {
  const health = detection.processes.find((process) => process.health !== null)?.health ?? '/health';
  return [
    '# Checks of the new version; one that fails rolls the release back.',
    'smoke:',
    '  read:',
    `    - ${scalar(`GET ${health}`)}  # that it is up; add what users read, or a broken page counts as released`,
    '  # write:  # one write path, cleaned up afterwards; a service with a database needs it, or { none: "why" }',
    '  #   - { http: POST /orders, body: { product: 1 }, status: 201, cleanup: "DELETE /orders/{id}" }',
  ];
}

function rest(detection: Detection): readonly string[] {
  return [
    'observe: 15m  # how long the new version is watched before the release counts as done',
    'strategy: auto',
    ...(detection.envFile === null ? [] : [`env-file: ${scalar(detection.envFile)}`]),
    '',
    '# Differences between environments; without this section dev, stg and prd are the same.',
    '# environments:',
    '#   dev: {}',
    '#   prd: { approvals: 1 }',
  ];
}

/** One value on one line, quoted where YAML needs it. */
function scalar(value: string | readonly string[]): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

/** Names of files come from outside; in a comment they must not start a new line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ');
}
