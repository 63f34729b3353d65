/**
 * Packs src/ and the libraries it uses into few files, because what a start costs is the number of files it reads.
 * What is imported lazily stays a file of its own. Names are kept and source maps written, so stack traces say where.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

/** What is started as a process, or imported from outside: everything else is reached from these. */
const ENTRIES = ['cli/main', 'cli/compose', 'kernel/guard-main', 'targets/adapters/keeper-main'];

/** libpg-query finds its WASM file by its own place, oxc-parser its native library; the other two are alternatives of `pg` that Slipway never takes. */
const EXTERNAL = ['libpg-query', 'oxc-parser', 'pg-native', 'cloudflare:sockets'];

const OWN_URL = 'import.meta.url';
/** Where {@link OWN_URL} was, until it is known which file the module ended in. */
const PLACEHOLDER = /__ownUrl\("([^"]+)"\)/g;

/** Modules find files and programs of ours from their own place, so each must go on seeing the one it would have unpacked. */
function ownPlaces(source) {
  return {
    name: 'own-places',
    transform(code, id) {
      if (!id.startsWith(source + path.sep) || !code.includes('import.meta.')) return null;
      if (/\bimport\.meta\.(?!url\b|resolve\b)/.test(code))
        throw new Error(`${id}: of import.meta only url and resolve() mean the same when packed.`);
      const place = path.relative(source, id).replaceAll(path.sep, '/').replace(/\.ts$/, '.js');
      return { code: code.replaceAll(OWN_URL, `__ownUrl(${JSON.stringify(place)})`), map: null };
    },
    renderChunk(code, { fileName }) {
      const from = path.posix.dirname(fileName);
      const ownUrl = (place) =>
        place === fileName ? OWN_URL : `new URL(${JSON.stringify(path.posix.relative(from, place))}, ${OWN_URL}).href`;
      // Nothing moves to another line, so the source map stays right.
      return { code: code.replaceAll(PLACEHOLDER, (_, place) => ownUrl(place)), map: null };
    },
  };
}

/** The package a module is in, as `{ name, folder }`; null for a module of ours. */
function packageOf(id) {
  const [, folder, name] = /^(.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+))[/\\]/.exec(id) ?? [];
  return folder === undefined ? null : { name: name.replaceAll(path.sep, '/'), folder };
}

/** A file is called after the module it was made for: stack traces and lists of open files should say something. */
function nameOf(source, { facadeModuleId, moduleIds, name }) {
  const id = facadeModuleId ?? moduleIds.at(-1);
  if (id === undefined) return name;
  const found = packageOf(id);
  if (found !== null) return found.name.replace('@', '').replaceAll('/', '-');
  return id.startsWith(source) ? path.relative(source, id).replace(/\.ts$/, '').replaceAll(path.sep, '-') : name;
}

/** The licences of what was packed; most of them ask to be kept with every copy. */
function notices(modules) {
  const folders = new Set(modules.map((id) => packageOf(id)?.folder).filter((folder) => folder !== undefined));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
    const said = files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
    // A few packages carry no text of their licence: its name and whose it is must do.
    if (said.length === 0) said.push(`Copyright ${author?.name ?? author}`);
    return `${name} ${version} (${license})\n\n${said.join('\n\n')}`;
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function refuseDoubts(level, log) {
  if (level === 'warn') throw new Error(`Packing: ${log.message}`);
}

/**
 * Packs `root`/src into the folder `into`.
 * @throws Error when something does not resolve, or the packer has doubts
 */
export async function pack(root, into) {
  const source = path.join(root, 'src');
  const packed = await rolldown({
    cwd: root,
    platform: 'node',
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, path.join(source, `${entry}.ts`)])),
    external: EXTERNAL,
    tsconfig: false,
    transform: { target: 'es2023' },
    plugins: [ownPlaces(source)],
    onLog: refuseDoubts,
  });
  const { output } = await packed.write({
    dir: into,
    format: 'esm',
    sourcemap: true,
    minify: false,
    minifyInternalExports: false,
    entryFileNames: '[name].js',
    chunkFileNames: (chunk) => `chunks/${nameOf(source, chunk)}.js`,
  });
  await packed.close();
  const kit = await packKit(root, into);
  writeFileSync(
    path.join(into, 'THIRD-PARTY-LICENSES.txt'),
    notices([...output, ...kit].flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))),
  );
}

/** The service kit as one file, for the demo's shop: a stranger's first minute needs no registry. */
async function packKit(root, into) {
  const packed = await rolldown({
    cwd: root,
    platform: 'node',
    input: path.join(root, 'packages/service/src/index.ts'),
    tsconfig: false,
    transform: { target: 'es2023' },
    onLog: refuseDoubts,
  });
  const { output } = await packed.write({ file: path.join(into, 'demo/slipway-service.js'), format: 'esm', minify: false });
  await packed.close();
  return output;
}
