import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCustomers, parseCustomer } from '../customers.js';

for (const [name, first, last] of [
  ['  Ada   Lovelace ', 'Ada', 'Lovelace'],
  ['Cher', 'Cher', ''],
  ['Ludwig van Beethoven', 'Ludwig', 'van Beethoven'],
]) {
  test(`"${name}" is split at its first blank`, () => {
    assert.deepEqual(parseCustomer({ name }), { name: [first, last].filter(Boolean).join(' '), firstName: first, lastName: last });
  });
}

test('a row that nobody has split is read the old way, and counted', async () => {
  const written = [];
  const rows = [{ id: 1, name: 'Ada King Lovelace', firstName: null, lastName: null }];
  const customers = createCustomers({ read: async () => rows, write: async (sql) => written.push(sql) });
  assert.deepEqual(await customers.find(1), { id: 1, name: 'Ada King Lovelace', firstName: 'Ada', lastName: 'King Lovelace' });
  assert.match(written.join(), /^INSERT INTO read_fallback/);
});

test('a row that was split is read the new way', async () => {
  const rows = [{ id: 1, name: 'not looked at', firstName: 'Cher', lastName: '' }];
  const customers = createCustomers({ read: async () => rows, write: assert.fail });
  assert.deepEqual(await customers.find(1), { id: 1, name: 'Cher', firstName: 'Cher', lastName: '' });
});
