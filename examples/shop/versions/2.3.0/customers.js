import { Refused } from './shop.js';

/** Checks a customer as it arrives. Returns the two parts of the name. */
export function parseCustomer(body) {
  const { name } = body ?? {};
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
    throw new Refused(400, 'name must be a text of 1 to 200 characters');
  const [firstName, ...rest] = name.trim().split(/\s+/);
  return { firstName, lastName: rest.join(' ') };
}

const CUSTOMER = 'id, first_name AS "firstName", last_name AS "lastName"';

/** The shop's customers in its database. This version knows only the new shape of the name. */
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
  return {
    find: async (id) => shown(one(await database.read(`SELECT ${CUSTOMER} FROM customers WHERE id = $1`, [id]))),
    add: async (body) => {
      const { firstName, lastName } = parseCustomer(body);
      const sql = `INSERT INTO customers (first_name, last_name) VALUES ($1, $2) RETURNING ${CUSTOMER}`;
      return shown(one(await database.write(sql, [firstName, lastName])));
    },
    rename: async (id, body) => {
      const { firstName, lastName } = parseCustomer(body);
      const sql = `UPDATE customers SET first_name = $2, last_name = $3 WHERE id = $1 RETURNING ${CUSTOMER}`;
      return shown(one(await database.write(sql, [id, firstName, lastName])));
    },
    remove: async (id) => one(await database.write('DELETE FROM customers WHERE id = $1 RETURNING id', [id])),
  };
}
