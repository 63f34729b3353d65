/** A mistake of the caller, answered with `status` instead of 500. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Checks an order as it arrives. Returns only the fields the shop knows. */
export function parseOrder(body) {
  const { productId, quantity, customer } = body ?? {};
  if (!Number.isSafeInteger(productId)) throw new Refused(400, 'productId must be a whole number');
  if (!Number.isSafeInteger(quantity) || quantity < 1 || quantity > 100) throw new Refused(400, 'quantity must be 1 to 100');
  if (typeof customer !== 'string' || customer.trim() === '') throw new Refused(400, 'customer must be a name');
  return { productId, quantity, customer: customer.trim() };
}

const ORDER = 'SELECT id, product_id AS "productId", quantity, customer, status FROM orders WHERE id = $1';

/** The shop's operations on its database. */
export function createShop(database) {
  const one = (rows, what) => {
    if (rows.length === 0) throw new Refused(404, `no such ${what}`);
    return rows[0];
  };
  return {
    products: () => database.read('SELECT id, name FROM products ORDER BY id'),
    product: async (id) => one(await database.read('SELECT id, name FROM products WHERE id = $1', [id]), 'product'),
    order: async (id) => one(await database.read(ORDER, [id]), 'order'),
    placeOrder: async (body) => {
      const order = parseOrder(body);
      const rows = await database.write(
        `INSERT INTO orders (product_id, quantity, customer)
         SELECT id, $2, $3 FROM products WHERE id = $1 RETURNING id, status`,
        [order.productId, order.quantity, order.customer],
      );
      return { ...order, ...one(rows, 'product') };
    },
    removeOrder: async (id) => one(await database.write('DELETE FROM orders WHERE id = $1 RETURNING id', [id]), 'order'),
  };
}
