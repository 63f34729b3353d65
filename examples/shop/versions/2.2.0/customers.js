import { Refused } from './shop.js';

/** Checks a customer as it arrives. Returns the name with one blank between its words, and its two parts. */
export function parseCustomer(body) {
  const { name } = body ?? {};
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
    throw new Refused(400, 'name must be a text of 1 to 200 characters');
  const [firstName, ...rest] = name.trim().split(/\s+/);
  return { name: [firstName, ...rest].join(' '), firstName, lastName: rest.join(' ') };
}

const CUSTOMER = 'id, first_name AS "firstName", last_name AS "lastName"';

const FELL_BACK = `INSERT INTO read_fallback (shape, times) VALUES ('customers.name', 1)
  ON CONFLICT (shape) DO UPDATE SET times = read_fallback.times + 1`;

/** The shop's customers in its database. This version reads the new shape of the name, and writes both, for the way back. */
export function createCustomers(database) {
  const one = (rows) => {
    if (rows.length === 0) throw new Refused(404, 'no such customer');
    return rows[0];
  };
  const shown = ({ id, firstName, lastName }) => ({
    id,
    name: lastName === '' ? firstName : `${firstName} ${lastName}`,
    firstName,
    lastName,
  });
  /** A row that nobody has split yet is read the old way, and counted: while that happens, the old column is needed. */
  const parts = async ({ id, name, firstName, lastName }) => {
    if (firstName !== null && lastName !== null) return { id, firstName, lastName };
    await database.write(FELL_BACK);
    return { id, ...parseCustomer({ name }) };
  };
  return {
    find: async (id) => shown(await parts(one(await database.read(`SELECT ${CUSTOMER}, name FROM customers WHERE id = $1`, [id])))),
    add: async (body) => {
      const { name, firstName, lastName } = parseCustomer(body);
      const sql = `INSERT INTO customers (name, first_name, last_name) VALUES ($1, $2, $3) RETURNING ${CUSTOMER}`;
      return shown(one(await database.write(sql, [name, firstName, lastName])));
    },
    rename: async (id, body) => {
      const { name, firstName, lastName } = parseCustomer(body);
      const sql = `UPDATE customers SET name = $2, first_name = $3, last_name = $4 WHERE id = $1 RETURNING ${CUSTOMER}`;
      return shown(one(await database.write(sql, [id, name, firstName, lastName])));
    },
    remove: async (id) => one(await database.write('DELETE FROM customers WHERE id = $1 RETURNING id', [id])),
  };
}
