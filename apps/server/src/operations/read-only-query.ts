import { Client, type ClientConfig, DatabaseError, type QueryArrayConfig, types } from 'pg';
import { DatabaseAwayError } from './postgres.ts';

/** A statement that was refused because it is not a question. */
export class ReadOnlyError extends Error {
  override readonly name = 'ReadOnlyError';
  readonly code = 'not-read-only';
}

export interface QueryTable {
  readonly columns: readonly { readonly name: string; readonly numeric: boolean }[];
  /** The text PostgreSQL gives for each value; null stays null. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** How a statement that only asks can begin. */
const questions = new Set(['select', 'with', 'table', 'values', 'show', 'explain']);

const numericTypes: ReadonlySet<number> = new Set([
  types.builtins.INT2,
  types.builtins.INT4,
  types.builtins.INT8,
  types.builtins.FLOAT4,
  types.builtins.FLOAT8,
  types.builtins.NUMERIC,
]);

/**
 * The first of the walls below, for callers that want to refuse before they open a database.
 *
 * @throws ReadOnlyError
 */
export function checkQuestion(statement: string): void {
  const first = firstWord(statement);
  if (!questions.has(first)) {
    throw new ReadOnlyError(
      first === ''
        ? 'there is no statement to run'
        : `only reading is allowed here; a statement may begin with ${[...questions].join(', ').toUpperCase()}, not ${first.toUpperCase()}`,
    );
  }
}

/**
 * Runs one statement that cannot write, whatever it says. Three walls, each enough for the ordinary case:
 * the first word must be one that asks; the transaction is READ ONLY, so PostgreSQL itself refuses data changes
 * hidden in functions and WITH; and where the login may, it runs as `pg_read_all_data`, which owns nothing, so
 * that a superuser's doors to the file system and to other sessions are shut too. The extended protocol takes
 * one statement only: nothing can be appended.
 *
 * @throws ReadOnlyError when the statement would write; pg's DatabaseError for anything wrong with it
 */
export async function readOnlyQuery(
  connection: ClientConfig,
  statement: string,
  { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
): Promise<QueryTable> {
  checkQuestion(statement);
  const client = new Client({ ...connection, application_name: 'dt sql', statement_timeout: timeoutMs });
  try {
    await client.connect();
  } catch (cause) {
    throw new DatabaseAwayError(connection, cause);
  }
  try {
    await client.query('BEGIN TRANSACTION READ ONLY');
    await leavePrivileges(client);
    const query: QueryArrayConfig & { queryMode: 'extended' } = {
      text: statement,
      rowMode: 'array',
      queryMode: 'extended',
      types: { getTypeParser: () => (value: string) => value },
    };
    const result = await client.query<(string | null)[]>(query);
    return {
      columns: result.fields.map(({ name, dataTypeID }) => ({ name, numeric: numericTypes.has(dataTypeID) })),
      rows: result.rows,
    };
  } catch (error) {
    if (error instanceof DatabaseError && writeRefusals.has(error.code ?? '')) {
      throw new ReadOnlyError(`only reading is allowed here: ${error.message}`, { cause: error });
    }
    throw error;
  } finally {
    await client.end();
  }
}

/** read_only_sql_transaction, and insufficient_privilege of the role that owns nothing. */
const writeRefusals: ReadonlySet<string> = new Set(['25006', '42501']);

async function leavePrivileges(client: Client): Promise<void> {
  await client.query('SAVEPOINT role');
  try {
    await client.query('SET LOCAL ROLE pg_read_all_data');
  } catch (error) {
    // A login that is no member of that role has few rights to lose: READ ONLY stands all the same.
    if (!(error instanceof DatabaseError)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT role');
  }
}

/** The first word after blanks, comments and opening brackets, in lower case. */
function firstWord(statement: string): string {
  const stripped = statement.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()+/, '');
  return /^[a-z]+/i.exec(stripped)?.[0].toLowerCase() ?? '';
}
