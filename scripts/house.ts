/**
 * Checks what a linter's patterns cannot: directions by resolved path, file sizes, known rooms, clocks in a core.
 * Usage: node scripts/house.ts [ROOT]. Exits 1 with what to do per finding, and also when there was nothing to check.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOMS, mayImport } from './rooms.ts';

const MAX_LINES = 300;
const MAX_MEDIAN = 90;
/** A room's pure part, for the cores of higher rooms. Only the kernel's is a door for everybody. */
const PURE_DOORS: readonly string[] = ['kernel/pure.ts', 'analysis/pure.ts'];
const [KERNEL_DOOR] = PURE_DOORS;

interface SourceFile {
  /** Relative to src/, with forward slashes: `traffic/core/schedule.ts`. */
  readonly name: string;
  readonly text: string;
}

const roomOf = (name: string): string => name.split('/')[0] ?? '';
const isCore = (name: string): boolean => name.split('/')[1] === 'core';
const isTest = (name: string): boolean => name.endsWith('.test.ts');
const linesOf = (text: string): number => text.split('\n').length - 1;

/** Code without comments, so that prose may mention what code may not use. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

function importsOf(text: string): readonly string[] {
  const found = withoutComments(text).matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g);
  return [...found].map((match) => match[1] ?? '');
}

function checkCoreImport(file: SourceFile, specifier: string, resolved: string | null): string | null {
  const own = resolved !== null && resolved.startsWith(`${roomOf(file.name)}/core/`);
  const door = resolved !== null && PURE_DOORS.includes(resolved) && mayImport(roomOf(file.name), roomOf(resolved));
  // A package's core is kept as pure as a room's.
  const packaged = resolved !== null && /^\.\.\/packages\/[a-z]+\/src\/core\//.test(resolved);
  if (own || door || packaged) return null;
  return `${file.name}: a core imports only its own core, a package's core and a lower room's pure.ts (${PURE_DOORS.join(', ')}), not "${specifier}". Pass the value in, or move the file out of core/.`;
}

/** A pure door leads to its own core; else a core could reach anything through it. */
function checkDoor(file: SourceFile, specifier: string, resolved: string | null): string | null {
  const own = resolved?.startsWith(`${roomOf(file.name)}/core/`) === true;
  return own ? null : `${file.name}: a pure door leads to its own core only, not to "${specifier}".`;
}

function checkImport(file: SourceFile, specifier: string): string | null {
  const resolved = specifier.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file.name), specifier)) : null;
  if (isCore(file.name) && !isTest(file.name)) return checkCoreImport(file, specifier, resolved);
  if (PURE_DOORS.includes(file.name)) return checkDoor(file, specifier, resolved);
  if (resolved === null || resolved.startsWith('..')) return null;
  const from = roomOf(file.name);
  const to = roomOf(resolved);
  if (from === to) return null;
  if (ROOMS.includes(to) && !mayImport(from, to)) {
    return `${file.name}: ${from} may not import ${to} ("${specifier}"). Describe what you need in ${from}/ports.ts and let cli/compose.ts wire it.`;
  }
  if (resolved !== `${to}/index.ts` && resolved !== KERNEL_DOOR) {
    return `${file.name}: import ${to} through ${to}/index.ts, not "${specifier}"; export there what you need.`;
  }
  return null;
}

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)/, 'new Date() reads the clock; take `now` as an argument'],
  [/\bDate\.now\b/, 'Date.now reads the clock; take `now` as an argument'],
  [/\bMath\.random\b/, 'Math.random makes a decision unrepeatable; take the value as an argument'],
];

function checkFile(file: SourceFile): readonly string[] {
  const findings = importsOf(file.text).map((specifier) => checkImport(file, specifier));
  const room = roomOf(file.name);
  if (!ROOMS.includes(room) || !file.name.includes('/')) {
    findings.push(
      `${file.name}: "${room}" is no room. Move the file into one, or add the room to scripts/rooms.ts with a decision record.`,
    );
  }
  if (linesOf(file.text) > MAX_LINES) {
    findings.push(`${file.name}: ${linesOf(file.text)} lines, the cap is ${MAX_LINES}. Split it by what it does.`);
  }
  if (isCore(file.name) && !isTest(file.name)) {
    const code = withoutComments(file.text);
    for (const [pattern, advice] of IMPURE) if (pattern.test(code)) findings.push(`${file.name}: ${advice}.`);
    if (file.name.split('/').length > 4) findings.push(`${file.name}: at most one folder deep inside a core, the lint rules know no more.`);
  }
  return findings.filter((finding) => finding !== null);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function readSources(source: string): readonly SourceFile[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .toSorted()
    .map((name) => ({ name: name.replaceAll(path.sep, '/'), text: readFileSync(path.join(source, name), 'utf8') }));
}

function checkPackageImport(file: SourceFile, specifier: string, isPure: boolean): string | null {
  const own = `${roomOf(file.name)}/`;
  const resolved = specifier.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file.name), specifier)) : null;
  if (resolved !== null && !resolved.startsWith(own)) {
    return `packages/${file.name}: "${specifier}" is outside of the package, and it is installed without the rest.`;
  }
  if (isPure && resolved?.startsWith(`${own}src/core/`) !== true) {
    return `packages/${file.name}: a core imports only its own core, not "${specifier}". Pass the value in.`;
  }
  return null;
}

/** What a library in packages/ must keep to: it is installed without Slipway, and its core is as pure as any. */
function checkPackageFile(file: SourceFile): readonly string[] {
  const isPure = file.name.includes('/src/core/') && !isTest(file.name);
  const findings = importsOf(file.text).map((specifier) => checkPackageImport(file, specifier, isPure));
  if (linesOf(file.text) > MAX_LINES) {
    findings.push(`packages/${file.name}: ${linesOf(file.text)} lines, the cap is ${MAX_LINES}. Split it by what it does.`);
  }
  const code = withoutComments(file.text);
  for (const [pattern, advice] of isPure ? IMPURE : []) if (pattern.test(code)) findings.push(`packages/${file.name}: ${advice}.`);
  return findings.filter((finding) => finding !== null);
}

/** Sources and tests of every package, relative to packages/. */
function readPackages(root: string): readonly SourceFile[] {
  const packages = path.join(root, 'packages');
  const below = (folder: string): readonly SourceFile[] =>
    existsSync(path.join(packages, folder))
      ? readSources(path.join(packages, folder)).map(({ name, text }) => ({ name: `${folder}/${name}`, text }))
      : [];
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return names.flatMap((name) => ['src', 'test'].flatMap((part) => below(`${name}/${part}`)));
}

function main(root: string): number {
  const files = readSources(path.join(root, 'src'));
  const packaged = readPackages(root);
  const findings = [...files.flatMap(checkFile), ...packaged.flatMap(checkPackageFile)];
  const middle = median(files.filter((file) => !isTest(file.name)).map((file) => linesOf(file.text)));
  if (middle > MAX_MEDIAN) findings.push(`src: the median file has ${middle} lines, the cap is ${MAX_MEDIAN}. Split the largest files.`);
  if (files.length === 0) findings.push(`${root}/src: no TypeScript file found, so nothing was checked. Pass the folder that holds src/.`);
  for (const finding of findings) console.error(finding);
  console.log(
    `house: ${files.length + packaged.length} files, median ${middle} lines, ${findings.length} finding${findings.length === 1 ? '' : 's'}`,
  );
  return findings.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2] ?? path.resolve(import.meta.dirname, '..'));
