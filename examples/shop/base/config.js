import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** What API and worker need from their environment, read once at start so that a gap is found then and not at night. */
export function readConfig() {
  return {
    service: manifest.name,
    version: manifest.version,
    gitSha: process.env.GIT_SHA ?? 'unknown',
    databaseUrl: required('DATABASE_URL'),
  };
}
