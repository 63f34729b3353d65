import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { lintFiles, readSources } from '../../../src/database/index.ts';
import { startPostgres, systemPostgres } from '../../support/postgres.ts';
import { scratch } from '../support.ts';

type Project = Readonly<Record<string, string>>;

/** Writes a project; what begins with `#!` is a program. */
function write(root: string, project: Project): void {
  for (const [name, text] of Object.entries(project)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    if (text.startsWith('#!')) chmodSync(join(root, name), 0o755);
  }
}

/** Reads a folder of a project as `db lint` does, and judges it. */
async function judge(folder: string) {
  const { format, files } = await readSources(folder, null, new Map(), true);
  const linted = await lintFiles({ files, options: { version: 15, utc: null, sizes: new Map() }, limited: true });
  return {
    format,
    files: linted.map(({ name, verdict, findings }) => ({
      name,
      verdict,
      rules: findings.filter(({ severity }) => severity !== 'notice').map(({ line, rule }) => `${line} ${rule}`),
      said: findings.filter(({ rule }) => rule === 'not-sql').map(({ message }) => message),
    })),
  };
}

const PATH = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = PATH;
});

const DJANGO_FILE = 'from django.db import migrations\nclass Migration(migrations.Migration):\n    pass\n';
/** Answers as `manage.py sqlmigrate` does. */
const DJANGO_TOOL = `#!/bin/sh
[ "$1 $2" = "manage.py sqlmigrate" ] || { echo "unexpected: $*" >&2; exit 9; }
case "$3 $4" in
  "shop 0001_initial") printf 'BEGIN;\\n--\\n-- Create model Order\\n--\\nCREATE TABLE "shop_order" ("id" bigserial NOT NULL PRIMARY KEY, "n" integer NULL);\\nCOMMIT;\\n' ;;
  "shop 0002_n") printf 'BEGIN;\\n--\\n-- Alter field n on order\\n--\\nALTER TABLE "shop_order" ALTER COLUMN "n" SET NOT NULL;\\n--\\n-- MIGRATION NOW PERFORMS OPERATION THAT CANNOT BE WRITTEN AS SQL:\\n-- Raw Python operation\\n--\\nCOMMIT;\\n' ;;
  *) echo 'Traceback (most recent call last):' >&2; echo "CommandError: Cannot find a migration matching '$4' from app 'shop'." >&2; exit 1 ;;
esac
`;
const DJANGO: Project = {
  'manage.py': '',
  '.venv/bin/python': DJANGO_TOOL,
  'shop/migrations/__init__.py': '',
  'shop/migrations/0001_initial.py': DJANGO_FILE,
  'shop/migrations/0002_n.py': DJANGO_FILE,
  'shop/migrations/0003_gone.py': DJANGO_FILE,
};

const alembicFile = (revision: string, before: string | null): string =>
  `from alembic import op\nrevision: str = '${revision}'\ndown_revision = ${before === null ? 'None' : `'${before}'`}\n`;
/** As Alembic prints it: one transaction over all, but for a block that commits by itself. */
const ALEMBIC_SQL = `BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL
);

-- Running upgrade  -> a1

CREATE TABLE orders (id BIGSERIAL NOT NULL, n INTEGER, PRIMARY KEY (id));

INSERT INTO alembic_version (version_num) VALUES ('a1') RETURNING alembic_version.version_num;

-- Running upgrade a1 -> b2

ALTER TABLE orders ALTER COLUMN n SET NOT NULL;

COMMIT;

CREATE INDEX CONCURRENTLY i ON orders (n);

BEGIN;

UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';

-- Running upgrade b2 -> c3

ALTER TABLE orders ADD CHECK (n > 0);

UPDATE alembic_version SET version_num='c3' WHERE alembic_version.version_num = 'b2';

COMMIT;
`;
const ALEMBIC: Project = {
  'alembic.ini': '[alembic]\n',
  'alembic/env.py': '',
  'alembic/versions/3_c.py': alembicFile('c3', 'b2'),
  'alembic/versions/1_a.py': alembicFile('a1', null),
  'alembic/versions/2_b.py': alembicFile('b2', 'a1'),
  'alembic/versions/9_lost.py': alembicFile('z9', 'y8'),
};
const alembicTool = (end: string): string =>
  `#!/bin/sh\n[ "$*" = "upgrade heads --sql" ] || exit 9\ncat <<'END'\n${ALEMBIC_SQL}END\n${end}`;

describe('a tool that prints SQL is asked to', () => {
  test('Django: each file by itself, and what it runs as a program is said', async () => {
    using folder = scratch();
    write(folder.path, DJANGO);
    const { format, files } = await judge(join(folder.path, 'shop/migrations'));
    expect(format).toBe('printed');
    expect(files).toMatchObject([
      { name: '0001_initial.py', verdict: 'pass', rules: [] },
      {
        name: '0002_n.py',
        verdict: 'fail',
        rules: ['5 set-not-null', '7 not-sql'],
        said: [expect.stringContaining('Alter field n on order')],
      },
      {
        name: '0003_gone.py',
        verdict: 'unknown',
        said: [expect.stringContaining('failed with exit 1: Traceback (most recent call last):\nCommandError: Cannot find')],
      },
    ]);
  });

  test('Alembic: all at once, cut into its revisions in its order', async () => {
    using folder = scratch();
    write(folder.path, { ...ALEMBIC, '.venv/bin/alembic': alembicTool('') });
    for (const from of ['alembic/versions', 'alembic']) {
      const { files } = await judge(join(folder.path, from));
      const inside = from === 'alembic' ? 'versions/' : '';
      expect(files).toMatchObject([
        { name: `${inside}1_a.py`, verdict: 'pass', rules: [] },
        { name: `${inside}2_b.py`, verdict: 'fail', rules: [expect.stringContaining('set-not-null')] },
        { name: `${inside}3_c.py`, verdict: 'fail', rules: [expect.stringContaining('add-check')] },
        { name: `${inside}9_lost.py`, verdict: 'unknown', said: ['alembic upgrade heads --sql does not come by it'] },
      ]);
    }
  });

  test('a tool that fails after it printed something, or is not there, or has no project, is no pass', async () => {
    using folder = scratch();
    write(folder.path, { ...ALEMBIC, '.venv/bin/alembic': alembicTool('echo "Can\'t locate revision" >&2; exit 255\n') });
    const failed = await judge(join(folder.path, 'alembic/versions'));
    expect(new Set(failed.files.map(({ verdict }) => verdict))).toEqual(new Set(['unknown']));
    expect(failed.files[0]?.said[0]).toContain("alembic upgrade heads --sql failed with exit 255: Can't locate revision");

    using bare = scratch();
    write(bare.path, { ...ALEMBIC, 'empty/here': '' });
    process.env['PATH'] = join(bare.path, 'empty');
    const missing = await judge(join(bare.path, 'alembic/versions'));
    expect(missing.files).toHaveLength(4);
    expect(missing.files[0]).toMatchObject({ verdict: 'unknown', said: ['alembic was not found'] });

    using lost = scratch();
    write(lost.path, { 'a/b/c/d/e/f/shop/migrations/0001_a.py': DJANGO_FILE });
    const homeless = await judge(join(lost.path, 'a/b/c/d/e/f/shop/migrations'));
    expect(homeless.files).toMatchObject([{ verdict: 'unknown', said: [expect.stringContaining('no manage.py')] }]);
  });

  test('one on the PATH is found', async () => {
    using folder = scratch();
    write(folder.path, { ...ALEMBIC, 'bin/alembic': alembicTool('') });
    process.env['PATH'] = `${join(folder.path, 'bin')}:${PATH ?? ''}`;
    expect((await judge(join(folder.path, 'alembic'))).files.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'fail', 'unknown']);
  });
});

/** Debian's python3 has Debian's Django; another one on the PATH need not. */
const PYTHON = '/usr/bin/python3';
const has = (module: string): boolean => spawnSync(PYTHON, ['-c', `import ${module}, psycopg2`]).status === 0;
const found = (program: string): boolean =>
  spawnSync(PYTHON, ['-c', `import shutil, sys; sys.exit(shutil.which('${program}') is None)`]).status === 0;
// The program comes in a package of its own.
const [django, alembic] = [has('django'), has('alembic') && found('alembic')];
if (!django || !alembic) process.stderr.write('lint: Django or Alembic is not installed, what they really print is not read\n');

describe('the tools themselves', () => {
  test.skipIf(!alembic)('Alembic', async () => {
    using folder = scratch();
    write(folder.path, {
      'alembic.ini': '[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql://u@localhost/x\n',
      'alembic/env.py': `from alembic import context
context.configure(url=context.config.get_main_option('sqlalchemy.url'), literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
`,
      'alembic/versions/1_a.py': `${alembicFile('a1', null)}import sqlalchemy as sa
def upgrade():
    op.create_table('orders', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('n', sa.Integer))
`,
      'alembic/versions/2_b.py': `${alembicFile('b2', 'a1')}def upgrade():
    op.alter_column('orders', 'n', nullable=False)
    with op.get_context().autocommit_block():
        op.create_index('i', 'orders', ['n'], postgresql_concurrently=True)
`,
    });
    expect((await judge(join(folder.path, 'alembic/versions'))).files).toMatchObject([
      { name: '1_a.py', verdict: 'pass' },
      { name: '2_b.py', verdict: 'fail', rules: [expect.stringContaining('set-not-null')] },
    ]);
  });

  test.skipIf(!django || systemPostgres() === null)('Django', async () => {
    using folder = scratch();
    const server = await startPostgres({ version: 'system' });
    try {
      write(folder.path, {
        'manage.py': `import os, sys
os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`,
        'settings.py': `SECRET_KEY = 'x'
INSTALLED_APPS = ['shop']
DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': ${JSON.stringify(server.socketDirectory)}, 'NAME': 'postgres', 'USER': 'slipway'}}
`,
        'shop/__init__.py': '',
        'shop/migrations/__init__.py': '',
        'shop/migrations/0001_initial.py': `from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel(name='Order', fields=[('id', models.BigAutoField(primary_key=True)), ('n', models.IntegerField(null=True))])]
`,
        'shop/migrations/0002_n.py': `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [('shop', '0001_initial')]
    operations = [migrations.AlterField('order', 'n', models.IntegerField(db_index=True)), migrations.RunPython(lambda apps, editor: None)]
`,
      });
      mkdirSync(join(folder.path, '.venv/bin'), { recursive: true });
      symlinkSync(PYTHON, join(folder.path, '.venv/bin/python'));
      expect((await judge(join(folder.path, 'shop/migrations'))).files).toMatchObject([
        { name: '0001_initial.py', verdict: 'pass' },
        { name: '0002_n.py', verdict: 'fail', said: [expect.stringContaining('Django runs a program here')] },
      ]);
    } finally {
      await server.stop();
    }
  });
});
