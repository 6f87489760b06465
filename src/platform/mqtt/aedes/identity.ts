import type { ClientCertificate, LoginIdentity } from '../mqtt.port.ts';

/** The user name of those who have a token and are no device yet. */
export const CLAIM = 'claim';

export interface Shown {
  readonly certificate: ClientCertificate | null;
  /** Then no password and no token stands for it. */
  readonly certificateRequired?: boolean;
}

/**
 * With what a CONNECT proves who it is: where a certificate is not required, a password counts before it.
 * @returns null: a certificate is required, and there is none
 */
export function identityOf(username: string, password: string, shown: Shown): LoginIdentity | null {
  const { certificate, certificateRequired = false } = shown;
  if (certificateRequired) return certificate && { kind: 'certificate', username, certificate };
  if (username === CLAIM) return { kind: 'claim', token: password };
  if (password === '' && certificate !== null) return { kind: 'certificate', username, certificate };
  return { kind: 'secret', username, secret: password };
}
