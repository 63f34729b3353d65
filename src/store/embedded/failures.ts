import { SlipwayError } from '../../kernel/index.ts';

/** What PostgreSQL's last words mean: wait and start again, or a refusal with its code. */
export type StartFailure = { readonly kind: 'again' } | { readonly kind: 'refused'; readonly error: SlipwayError };

const AGAIN =
  /lock file "[^"]*" already exists|pre-existing shared memory block|is another postmaster|bogus data in lock file|lock file "[^"]*" is empty|could not create lock file "[^"]*\.s\.PGSQL[^"]*": No such file/i;
const DISK_FULL = /no space left on device|disk quota exceeded|could not extend file/i;
const OTHER_VERSION = /initialized by PostgreSQL version/i;
const BROKEN =
  /database files are incompatible|could not locate a valid checkpoint|invalid checkpoint|is not a valid data directory|could not open (?:file|directory) "(?:global|base|pg_)|invalid data in file|PANIC|incorrect checksum|could not find the database system|configuration file ".*" contains errors|could not access the server configuration file/i;
const UNUSABLE = /GLIBC_|error while loading shared libraries|cannot execute binary|Exec format error|EACCES|ENOENT|cannot be run as root/;

/** Without any, it was stopped or killed from outside while it was starting. */
const COMPLAINT = /PANIC|FATAL:(?!\s+the database system is)/;

/** Reads the log a failed `initdb` or `postgres` left behind. */
export function readFailure(doing: string, log: string, store: string): StartFailure {
  const tail = log.trim().split('\n').slice(-6).join('\n');
  const refuse = (code: SlipwayError['code'], message: string, hint?: string): StartFailure => ({
    kind: 'refused',
    error: new SlipwayError(code, `${message}\n${tail}`, hint === undefined ? {} : { hint }),
  });
  if (DISK_FULL.test(log))
    return refuse(
      'disk_full',
      `No space left while ${doing} in ${store}`,
      'Free space on that disk and try again; nothing recorded is lost.',
    );
  if (AGAIN.test(log)) return { kind: 'again' };
  if (OTHER_VERSION.test(log)) return refuse('store_version', `The store in ${store} was written by another major version of PostgreSQL`);
  if (BROKEN.test(log)) {
    return refuse(
      'state_corrupt',
      `The store in ${store} is damaged: PostgreSQL refuses to start on it`,
      `Restore ${store} from a backup, or set it aside (mv ${store} ${store}.broken) to begin with an empty store.`,
    );
  }
  if (UNUSABLE.test(log)) return refuse('platform_unsupported', 'The bundled PostgreSQL does not run on this machine');
  if (!COMPLAINT.test(log)) return { kind: 'again' };
  return refuse(
    'store_unreachable',
    `PostgreSQL stopped while ${doing} in ${store}`,
    `Its log is beside it (postgres.log). Run \`slipway doctor\`.`,
  );
}
