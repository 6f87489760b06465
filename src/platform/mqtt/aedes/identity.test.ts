import { expect, test } from 'vitest';
import { identityOf } from './identity.ts';

const certificate = {
  subject: 'CN=greenhouse-07',
  subjectAltName: 'DNS:greenhouse-07',
  issuer: 'CN=Plant CA',
  serialNumber: '0A1B',
  fingerprint256: 'AA:BB',
};

test.each([
  ['user name and password', ['alpha', 's', null], { kind: 'secret', username: 'alpha', secret: 's' }],
  ['a password besides a certificate', ['alpha', 's', certificate], { kind: 'secret', username: 'alpha', secret: 's' }],
  ['a certificate alone', ['', '', certificate], { kind: 'certificate', username: '', certificate }],
  ['a certificate and a name', ['alpha', '', certificate], { kind: 'certificate', username: 'alpha', certificate }],
  ['nothing', ['', '', null], { kind: 'secret', username: '', secret: '' }],
  ['a claim', ['claim', 'token', null], { kind: 'claim', token: 'token' }],
  ['a claim over TLS', ['claim', 'token', certificate], { kind: 'claim', token: 'token' }],
] as const)('%s', (_what, [username, password, shown], identity) => {
  expect(identityOf(username, password, shown)).toEqual(identity);
});
