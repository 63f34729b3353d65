import { COMMANDS, GROUPS } from '../../src/cli/commands/catalogue.ts';

const GLOBAL = ['-C', '--dir', '-c', '--config', '--json', '-h', '--help', '-V'];

/** What a document says a user may type: each `slipway ...` of its code, up to a pipe, a comment or the next command. */
export function commandLines(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  const typed = blocks.flatMap(([, language = '', text = '']) => text.split('\n').flatMap((line) => fromBlock(language, line)));
  const inline = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g);
  return [...typed, ...[...inline].map(([, text = '']) => text)].flatMap(split);
}

/** In a session only what follows the prompt was typed; a picture or output (`text`) is no command. */
function fromBlock(language: string, line: string): readonly string[] {
  if (language === 'sh') return [line.replace(/^#.*| #.*/, '')];
  return language === 'console' && line.startsWith('$ ') ? [line.slice(2)] : [];
}

function split(text: string): readonly string[] {
  return text
    .split(/&&|\||;|\$\(|\)/)
    .map((part) => part.trim().replace(/^([A-Z_]+=\S+ )+/, ''))
    .filter((part) => /^slipway( |$)/.test(part));
}

/** What is wrong with a command line, or null. Values are not looked at: the parser's own tests do that. */
export function problemOf(line: string): string | null {
  // What follows `--` is somebody else's command.
  const words = (line.replace(/ -- .*/, '').match(/'[^']*'|"[^"]*"|\S+/g) ?? []).slice(1);
  if (words[0] === '-C') words.splice(0, 2);
  const options = words.filter((word) => /^--?[A-Za-z]/.test(word)).map((word) => word.replace(/=.*/, ''));
  const [first = '', second = ''] = words.filter((word) => !word.startsWith('-'));
  if (first === '' || first === 'COMMAND') return null;
  const spec = COMMANDS.find(({ path }) => path === `${first} ${second}`) ?? COMMANDS.find(({ path }) => path === first);
  if (spec === undefined) return Object.hasOwn(GROUPS, first) && second === '' ? null : `there is no command "${first} ${second}"`;
  const known = new Set([...GLOBAL, ...(spec.options ?? []).flatMap(({ flags }) => flags.match(/(?<![\w-])--?[A-Za-z][\w-]*/g) ?? [])]);
  const strange = options.filter((option) => !known.has(option));
  return strange.length === 0 ? null : `"slipway ${spec.path}" has no option ${strange.join(', ')}`;
}
