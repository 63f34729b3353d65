import { Refused } from './shop.js';

/** Checks a customer as it arrives. Returns the name with one blank between its words, and its two parts. */
export function parseCustomer(body) {
  const { name } = body ?? {};
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
    throw new Refused(400, 'name must be a text of 1 to 200 characters');
  const [firstName, ...rest] = name.trim().split(/\s+/);
  return { name: [firstName, ...rest].join(' '), firstName, lastName: rest.join(' ') };
}

/** The shop's customers in its database. This version writes both shapes of the name, and reads the old one. */
export function createCustomers(database) {
  const one = (rows) => {
    if (rows.length === 0) throw new Refused(404, 'no such customer');
    return rows[0];
  };
  return {
    find: async (id) => one(await database.read('SELECT id, name FROM customers WHERE id = $1', [id])),
    add: async (body) => {
      const { name, firstName, lastName } = parseCustomer(body);
      const sql = 'INSERT INTO customers (name, first_name, last_name) VALUES ($1, $2, $3) RETURNING id, name';
      return one(await database.write(sql, [name, firstName, lastName]));
    },
    rename: async (id, body) => {
      const { name, firstName, lastName } = parseCustomer(body);
      const sql = 'UPDATE customers SET name = $2, first_name = $3, last_name = $4 WHERE id = $1 RETURNING id, name';
      return one(await database.write(sql, [id, name, firstName, lastName]));
    },
    remove: async (id) => one(await database.write('DELETE FROM customers WHERE id = $1 RETURNING id', [id])),
  };
}
