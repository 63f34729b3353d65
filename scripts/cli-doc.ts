/** Writes docs/cli.md (or FILE) from the program's own help. Usage: node scripts/cli-doc.ts [--check] [FILE]; `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.ts';
import { createSecrets } from '../src/cli/secrets.ts';

const checkOnly = process.argv.includes('--check');
const file = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? path.resolve(import.meta.dirname, '../docs/cli.md');

/** The command's name with its groups, `slipway evidence verify`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** The help as a terminal shows it, what `addHelpText` adds included. */
function helpOf(command: Command, written: string[]): string {
  written.length = 0;
  command.outputHelp();
  return written.join('').trimEnd();
}

function withInner(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withInner)];
}

function render(): string {
  const written: string[] = [];
  const stream = { columns: 100, write: (text: string) => written.push(text) };
  const program = buildProgram({ stdout: stream, stderr: stream, environment: {}, secrets: createSecrets({}) }, () => undefined);
  const sections = withInner(program).map((command) => `## ${pathOf(command)}\n\n\`\`\`text\n${helpOf(command, written)}\n\`\`\``);
  const head = [
    '# Commands',
    '',
    "<!-- Written by `npm run cli-doc` from the program's own help; edit src/cli/commands/specs, not this page. -->",
    '',
    'Answers go to stdout, remarks and refusals to stderr. With `--json` a refusal is `{"error": {"code", "message", "hint"}}` on stderr; [errors.md](errors.md) lists the codes.',
    'Times in documents are ISO 8601 in UTC. New fields may be added to a document; none changes its meaning.',
    '',
    'Environment: `SLIPWAY_HOME` (state directory, default `.slipway` in the workspace), `SLIPWAY_DATABASE_URL` (a PostgreSQL of your own instead of the embedded one), `SLIPWAY_ACTOR` (who asks, default the user of this machine), `SLIPWAY_NODE` (name of this machine and state directory), `SLIPWAY_LEASE_MS` (how long a worker may say nothing before another takes its releases over, default 15000), `SLIPWAY_LOG` (level of the operational log on stderr: debug, info, warn, error), `SLIPWAY_DEBUG=1` (stacks), `NO_COLOR`.',
  ];
  return `${[head.join('\n'), ...sections].join('\n\n')}\n`;
}

if (!checkOnly) {
  writeFileSync(file, render());
} else if (readFileSync(file, 'utf8') !== render()) {
  console.error('docs/cli.md does not match src/cli/commands/specs. Run `npm run cli-doc` and commit the result.');
  process.exitCode = 1;
}
