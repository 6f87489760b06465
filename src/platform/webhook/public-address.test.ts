import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

/** Written from the registries by arithmetic, to be unlike the block lists that it judges. */
function isPublicIpv4([a, b, c]: readonly number[]): boolean {
  const [x, y, z] = [a ?? 0, b ?? 0, c ?? 0];
  if (x === 0 || x === 10 || x === 127 || x >= 224) return false;
  if (x === 100) return y < 64 || y > 127;
  if (x === 169) return y !== 254;
  if (x === 172) return y < 16 || y > 31;
  if (x === 192) return !(y === 168 || (y === 0 && (z === 0 || z === 2)) || (y === 88 && z === 99));
  if (x === 198) return !(y === 18 || y === 19 || (y === 51 && z === 100));
  return !(x === 203 && y === 0 && z === 113);
}

function isPublicIpv6([first, second]: readonly number[]): boolean {
  const [x, y] = [first ?? 0, second ?? 0];
  if (x < 0x2000 || x > 0x3fff) return false;
  if (x === 0x2001) return y > 0x01ff && y !== 0x0db8;
  return x !== 0x2002 && !(x === 0x3fff && y < 0x1000);
}

/** Bytes and groups that rules are about come often enough to meet each other. */
const byte = fc.oneof(
  fc.constantFrom(0, 10, 18, 19, 31, 51, 64, 88, 99, 100, 113, 127, 128, 168, 169, 172, 192, 198, 203, 224, 254, 255),
  fc.nat(255),
);
const group = fc.oneof(
  fc.constantFrom(
    0,
    0x1ff,
    0x200,
    0xdb8,
    0xfff,
    0x1000,
    0x1fff,
    0x2000,
    0x2001,
    0x2002,
    0x3fff,
    0x4000,
    0xfd00,
    0xfe80,
  ),
  fc.nat(0xffff),
);

test('IPv4: as the registry says', () => {
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
      expect(isPublicAddress(bytes.join('.'))).toBe(isPublicIpv4(bytes));
    }),
    { numRuns: 5_000 },
  );
});

test('IPv6: as the registry says', () => {
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((each) => each.toString(16)).join(':');
      expect(isPublicAddress(text)).toBe(isPublicIpv6(groups));
    }),
    { numRuns: 5_000 },
  );
});

test('IPv4 inside IPv6 is never public, however it is written', () => {
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
      const dotted = bytes.join('.');
      for (const prefix of ['::ffff:', '::', '64:ff9b::', '64:ff9b:1::']) {
        expect(isPublicAddress(`${prefix}${dotted}`)).toBe(false);
      }
    }),
  );
});

test.each(['', 'localhost', '127.1', '1.2.3', '0x08080808', 'fe80::1%eth0', '2606:4700::1111%eth0', ' 8.8.8.8'])(
  'what is no address, or one of this network only, is not public: %j',
  (text) => {
    expect(isPublicAddress(text)).toBe(false);
  },
);

test.each(['1.1.1.1', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1'])('%s is', (text) => {
  expect(isPublicAddress(text)).toBe(true);
});
