import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShop, parseOrder } from '../shop.js';

test('an order keeps the fields the shop knows', () => {
  assert.deepEqual(parseOrder({ productId: 1, quantity: 2, customer: ' Ada ', admin: true }), {
    productId: 1,
    quantity: 2,
    customer: 'Ada',
    note: null,
  });
});

for (const body of [
  null,
  {},
  { productId: '1', quantity: 1, customer: 'Ada' },
  { productId: 1, quantity: 0, customer: 'Ada' },
  { productId: 1, quantity: 1, customer: '' },
]) {
  test(`${JSON.stringify(body)} is no order`, () => assert.throws(() => parseOrder(body), { status: 400 }));
}

test('a note is a short text', () => {
  assert.equal(parseOrder({ productId: 1, quantity: 1, customer: 'Ada', note: 'ring twice' }).note, 'ring twice');
  assert.throws(() => parseOrder({ productId: 1, quantity: 1, customer: 'Ada', note: 'x'.repeat(501) }), { status: 400 });
});

test('a product that is not there is a 404', async () => {
  const shop = createShop({ read: async () => [], write: async () => [] });
  await assert.rejects(shop.product(9), { status: 404 });
});
