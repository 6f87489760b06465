import type { ClientCertificate, LoginIdentity } from '../mqtt.port.ts';

/** The user name of those who have a token and are no device yet. */
const CLAIM = 'claim';

/** With what a CONNECT proves who it is. A password counts before a certificate. */
export function identityOf(username: string, password: string, certificate: ClientCertificate | null): LoginIdentity {
  if (username === CLAIM) return { kind: 'claim', token: password };
  if (password === '' && certificate !== null) return { kind: 'certificate', username, certificate };
  return { kind: 'secret', username, secret: password };
}
