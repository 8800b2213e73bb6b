import { type Queryable, type Statement } from '../database/index.ts';

const ACCOUNT: Statement = {
  name: 'account',
  text: 'SELECT account_id FROM accounts WHERE kind = $1 AND owner = $2 AND currency = $3',
};

// The conflict is settled by reading again, in a snapshot that sees the row which was in the way.
const OPEN_ACCOUNT: Statement = {
  name: 'open-account',
  text: `INSERT INTO accounts (kind, owner, currency) VALUES ($1, $2, $3)
         ON CONFLICT (kind, owner, currency) DO NOTHING`,
};

export type AccountKind = 'wallet' | 'escrow' | 'house' | 'outside';

/** The id of an account, opened when it is new. `owner` is empty for house and outside, which are there from the start. */
export async function accountId(
  tx: Queryable,
  kind: AccountKind,
  owner: string,
  currency: string,
): Promise<string> {
  const values = [kind, owner, currency];
  const known = (await tx.query<{ account_id: string }>(ACCOUNT, values)).rows[0];
  if (known !== undefined) return known.account_id;
  await tx.query(OPEN_ACCOUNT, values);
  const opened = (await tx.query<{ account_id: string }>(ACCOUNT, values)).rows[0];
  if (opened === undefined) throw new Error(`account ${kind} ${owner} ${currency} could not be opened`);
  return opened.account_id;
}
