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

for (const body of [null, {}, { name: 1 }, { name: ' ' }, { name: 'x'.repeat(201) }]) {
  test(`${JSON.stringify(body)} is no customer`, () => assert.throws(() => parseCustomer(body), { status: 400 }));
}

test('a customer who is not there is a 404', async () => {
  const customers = createCustomers({ read: async () => [], write: async () => [] });
  await assert.rejects(customers.find(9), { status: 404 });
});
