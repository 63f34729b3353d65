import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCustomers, parseCustomer } from '../customers.js';

for (const [name, first, last] of [
  ['  Ada   Lovelace ', 'Ada', 'Lovelace'],
  ['Cher', 'Cher', ''],
  ['Ludwig van Beethoven', 'Ludwig', 'van Beethoven'],
]) {
  test(`"${name}" is split at its first blank`, () => assert.deepEqual(parseCustomer({ name }), { firstName: first, lastName: last }));
}

test('a customer is shown with one name and both parts', async () => {
  const customers = createCustomers({ read: async () => [{ id: 1, firstName: 'Ludwig', lastName: 'van Beethoven' }] });
  assert.deepEqual(await customers.find(1), { id: 1, name: 'Ludwig van Beethoven', firstName: 'Ludwig', lastName: 'van Beethoven' });
});

for (const body of [null, {}, { name: 1 }, { name: ' ' }, { name: 'x'.repeat(201) }]) {
  test(`${JSON.stringify(body)} is no customer`, () => assert.throws(() => parseCustomer(body), { status: 400 }));
}
