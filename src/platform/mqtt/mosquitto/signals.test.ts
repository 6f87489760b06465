import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import { parseSignal } from './signals.ts';

test.each([
  ["1795413807: New client connected from 10.1.2.3:50916 as alpha (p2, c1, k60, u'alpha').", 'connected', '10.1.2.3'],
  ["New client connected from [2001:db8::1]:50916 as alpha (p5, c0, k0, u'alpha').", 'connected', '2001:db8::1'],
  ["New client connected from 2001:db8::1:50916 as alpha (p5, c0, k0, u'alpha').", 'connected', '2001:db8::1'],
  ['1795413807: Client alpha disconnected.', 'disconnected', undefined],
  ['Client alpha closed its connection.', 'disconnected', undefined],
  ['Client alpha has exceeded timeout, disconnecting.', 'disconnected', undefined],
  ['Client alpha been disconnected by administrative action.', 'disconnected', undefined],
  ['Client alpha disconnected due to protocol error.', 'disconnected', undefined],
  ['Client alpha disconnected: Connection reset by peer.', 'disconnected', undefined],
  ['Bad socket read/write on client alpha: Connection reset by peer', 'disconnected', undefined],
])('%s', (line, kind, ipAddress) => {
  expect(parseSignal(line)).toMatchObject({
    kind,
    deviceUid: 'alpha',
    ...defined({ ipAddress }),
  });
});

test.each([
  'New connection from 127.0.0.1:50916 on port 1883.',
  'Client alpha disconnected, not authorised.',
  'Client <unknown> disconnected, not authorised.',
  "New client connected from 10.1.2.3:1 as alpha (p2, c1, k60, u'core.admin').",
  'New client connected from 10.1.2.3:1 as alpha (p2, c1, k60).',
  'Client core.api.receiver-1-of-2 disconnected.',
  "x\nNew client connected from 10.1.2.3:1 as alpha (p2, c1, k60, u'alpha').",
  'Client alpha already connected, closing old connection.',
])('nothing about a device: %s', (line) => {
  expect(parseSignal(line)).toBeNull();
});

test('whatever a stranger calls itself, it is no device', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(parseSignal(`Client ${name} disconnected, not authorised.`)).toBeNull();
      expect(parseSignal(`Client alpha ${name} disconnected, not authorised.`)).toBeNull();
    }),
  );
});
