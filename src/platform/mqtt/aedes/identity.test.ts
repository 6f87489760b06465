import { expect, test } from 'vitest';
import { identityOf } from './identity.ts';

const certificate = { der: Buffer.from([0x30]), fingerprint: 'aabb' };
const none = { certificate: null };
const shown = { certificate };
const required = { certificate, certificateRequired: true };

test.each([
  ['user name and password', ['alpha', 's', none], { kind: 'secret', username: 'alpha', secret: 's' }],
  ['a password besides a certificate', ['alpha', 's', shown], { kind: 'secret', username: 'alpha', secret: 's' }],
  ['a certificate alone', ['', '', shown], { kind: 'certificate', username: '', certificate }],
  ['a certificate and a name', ['alpha', '', shown], { kind: 'certificate', username: 'alpha', certificate }],
  ['nothing', ['', '', none], { kind: 'secret', username: '', secret: '' }],
  ['a claim', ['claim', 'token', none], { kind: 'claim', token: 'token' }],
  ['a claim over TLS', ['claim', 'token', shown], { kind: 'claim', token: 'token' }],
  ['a certificate that is required', ['alpha', 's', required], { kind: 'certificate', username: 'alpha', certificate }],
  ['a password where a certificate is required', ['alpha', 's', { ...none, certificateRequired: true }], null],
  ['a claim where a certificate is required', ['claim', 'token', { ...none, certificateRequired: true }], null],
] as const)('%s', (_what, [username, password, proof], identity) => {
  expect(identityOf(username, password, proof)).toEqual(identity);
});
