import { commonErrors } from '#kernel/errors.ts';

export interface MariadbAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** TLS with the server's certificate verified; authorities besides the usual by NODE_EXTRA_CA_CERTS. */
  readonly tls: boolean;
}

const FORM = 'mysql://user:password@host:3306/database, with ?tls=true for an encrypted connection';

/**
 * `mysql://user:password@host:port/database?tls=true`; user and password percent-encoded.
 * @throws AppError `unavailable` that says the accepted form, and never the password
 */
export function parseMariadbAddress(text: string): MariadbAddress {
  const invalid = (problem: string) =>
    commonErrors.unavailable({ detail: `The address of the database ${problem}. It looks like ${FORM}.` });
  if (!URL.canParse(text)) throw invalid('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') throw invalid('does not begin with mysql://');
  let database: string;
  let user: string;
  let password: string;
  try {
    database = decodeURIComponent(url.pathname.slice(1));
    user = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch {
    throw invalid('has a % that is not part of an encoded character');
  }
  if (url.hostname === '') throw invalid('names no host');
  if (database === '' || database.includes('/')) throw invalid('names no database');
  for (const [name, value] of url.searchParams) {
    if (name !== 'tls' || !['true', 'false'].includes(value)) throw invalid(`has an unknown setting ${name}`);
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    user: user === '' ? 'root' : user,
    password,
    database,
    tls: url.searchParams.get('tls') === 'true',
  };
}
