import { z } from 'zod';
import { section, template } from './scalars.ts';

/** Whoever knows such an address may write there, so it is never written down. */
const address = template([])
  .refine((text) => text.includes('${'), 'must be a reference such as ${env:NOTICES_URL}: whoever knows the address may write there')
  .refine((text) => /^(https?:\/\/|\$\{)/.test(text), 'must be an http(s) URL or a reference such as ${env:NOTICES_URL}');

/** Where notices to owners go. */
export const notifyFields = {
  url: address.describe('Where notices to owners of flags are posted, as JSON with `text`.'),
  owners: z.record(z.string(), address).optional().describe('Another address for an owner, by the name that flags give.'),
};
export const notify = section(notifyFields).transform(({ url, owners = {} }) => ({ url, owners }));
