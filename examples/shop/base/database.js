import pg from 'pg';

/** SQLSTATE classes: 08 connection, 57P server going away, 3D000 the database itself is gone (being restored). */
function isConnectionLoss(error) {
  return (
    /^(08|57P|3D000)/.test(error.code ?? '') || /ECONN|EPIPE|ENOENT/.test(error.code ?? '') || /Connection terminated/i.test(error.message)
  );
}

/** A pool that outlives the connections in it. */
export function openDatabase(url, service) {
  const pool = new pg.Pool({
    connectionString: url,
    max: 5,
    connectionTimeoutMillis: 2_000,
    application_name: process.env.PGAPPNAME ?? service,
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', (error) => console.error(`database: ${error.message}`));

  const query = async (sql, values = []) => (await pool.query(sql, values)).rows;
  /** A read is safe to repeat, so one lost connection is not the customer's problem. A write is not. */
  const read = (sql, values) =>
    query(sql, values).catch((error) => {
      if (!isConnectionLoss(error)) throw error;
      return query(sql, values);
    });
  // A connection that was lost while idle is found out before anything is written on it.
  const write = (sql, values) => read('select 1').then(() => query(sql, values));
  return { read, write, close: () => pool.end() };
}
