import { parseDocument } from 'yaml';
import { commandLine } from './command-line.ts';
import { field, firstText, type ProjectFiles } from './files.ts';

/** One container of the project's own code. */
export interface ContainerFacts {
  readonly name: string | null;
  readonly run: string | null;
  /** Port users reach (compose: the host's side). */
  readonly port: number | null;
  readonly health: string | null;
}

export interface ComposeFacts {
  /** Null when there is none. */
  readonly file: string | null;
  readonly services: readonly ContainerFacts[];
  readonly postgres: boolean;
  readonly problem: string | null;
}

const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** What the compose file says about the project's own services (those with `build`) and PostgreSQL. */
export async function readCompose(files: ProjectFiles): Promise<ComposeFacts> {
  const found = await firstText(files, COMPOSE_FILES);
  if (found === null) return { file: null, services: [], postgres: false, problem: null };
  const document = parseDocument(found.text, { logLevel: 'silent', merge: true });
  const broken = { file: found.name, services: [], postgres: false, problem: `${found.name} could not be read as YAML` };
  if (document.errors.length > 0) return broken;
  let services: unknown;
  try {
    services = field(document.toJS({ maxAliasCount: 100 }), 'services');
  } catch (error) {
    if (error instanceof ReferenceError) return broken;
    throw error;
  }
  const entries: readonly (readonly [string, unknown])[] =
    typeof services === 'object' && services !== null ? Object.entries(services) : [];
  return {
    file: found.name,
    services: entries.filter(([, service]) => field(service, 'build') !== undefined).map(([name, service]) => containerOf(name, service)),
    postgres: entries.some(([, service]) => /(^|\/)(postgres|postgis|timescaledb)(:|$|\/|-)/.test(String(field(service, 'image')))),
    problem: null,
  };
}

function containerOf(name: string, service: unknown): ContainerFacts {
  const ports = field(service, 'ports');
  const test = field(field(service, 'healthcheck'), 'test');
  return {
    name,
    run: commandLine(field(service, 'command')),
    port: Array.isArray(ports) ? publishedPort(ports[0]) : null,
    health: healthPath(Array.isArray(test) ? test.join(' ') : String(test)),
  };
}

/** `8080:3000`, `127.0.0.1:8080:3000/tcp`, `8080`, `{ published: 8080 }` -> 8080. */
function publishedPort(port: unknown): number | null {
  const given = typeof port === 'object' ? field(port, 'published') : port;
  const text = typeof given === 'string' || typeof given === 'number' ? String(given) : '';
  const [match] = /\d+(?=(:\d+)?(\/\w+)?$)/.exec(text) ?? [];
  const number = Number(match ?? Number.NaN);
  return number >= 1 && number <= 65_535 ? number : null;
}

/** The path of the first URL in a health command. */
function healthPath(command: string): string | null {
  return /https?:\/\/[^/\s'"]+(\/[\w./-]+)/.exec(command)?.[1] ?? null;
}

/** What the Dockerfile's last stage runs and exposes. Without one every fact is null, and so is the name. */
export async function readDockerfile(files: ProjectFiles): Promise<ContainerFacts> {
  const text = await files.text('Dockerfile');
  if (text === null) return { name: null, run: null, port: null, health: null };
  const lines = text.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/);
  const last = (keyword: string): string | null =>
    lines
      .findLast((line) => line.toUpperCase().startsWith(`${keyword} `))
      ?.slice(keyword.length + 1)
      .trim() ?? null;
  const exposed = Number(/^\d+/.exec(last('EXPOSE') ?? '')?.[0] ?? Number.NaN);
  return {
    name: 'Dockerfile',
    run: dockerCommand(last('ENTRYPOINT'), last('CMD')),
    port: exposed >= 1 && exposed <= 65_535 ? exposed : null,
    health: healthPath(last('HEALTHCHECK') ?? ''),
  };
}

/** Exec forms are joined; a shell form is taken only when it needs no shell. Entry points are usually image plumbing, so CMD must do alone. */
function dockerCommand(entryPoint: string | null, command: string | null): string | null {
  const given = command ?? entryPoint;
  if (given === null || (entryPoint !== null && command !== null)) return null;
  if (!given.startsWith('[')) return commandLine(given);
  try {
    return commandLine(JSON.parse(given));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
