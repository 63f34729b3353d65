import { Refused } from './shop.js';

/** Checks a customer as it arrives. Returns the name with one blank between its words. */
export function parseCustomer(body) {
  const { name } = body ?? {};
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
    throw new Refused(400, 'name must be a text of 1 to 200 characters');
  return name.trim().replaceAll(/\s+/g, ' ');
}

/** The shop's customers in its database. */
export function createCustomers(database) {
  const one = (rows) => {
    if (rows.length === 0) throw new Refused(404, 'no such customer');
    return rows[0];
  };
  return {
    find: async (id) => one(await database.read('SELECT id, name FROM customers WHERE id = $1', [id])),
    add: async (body) => one(await database.write('INSERT INTO customers (name) VALUES ($1) RETURNING id, name', [parseCustomer(body)])),
    rename: async (id, body) =>
      one(await database.write('UPDATE customers SET name = $2 WHERE id = $1 RETURNING id, name', [id, parseCustomer(body)])),
    remove: async (id) => one(await database.write('DELETE FROM customers WHERE id = $1 RETURNING id', [id])),
  };
}
