import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await startAttackedServer();
});
afterAll(() => attacked.stop());

const MIB = 2 ** 20;
/** As much as a file may have, a little below the limit of a body. */
const SIZE = 4 * MIB - 1_024;
const HEADER = 'name,device_type\n';

const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0]));
const device = { name: 'a', device_type: 'b' };
/** Lines within what a row may have, each with many cells. */
const wideLines = `${','.repeat(60_000)}\n`.repeat(Math.floor(SIZE / 60_001));

test.each([
  ['a file of commas', 'text/csv', ','.repeat(SIZE), 422],
  ['a row of commas', 'text/csv', HEADER + ','.repeat(SIZE - HEADER.length), 422],
  ['rows of commas', 'text/csv', HEADER + wideLines.slice(HEADER.length), 422],
  ['quotes that never close', 'text/csv', `${HEADER}"${'"",'.repeat(SIZE / 3 - 20)}`, 422],
  ['empty lines', 'text/csv', HEADER + '\n'.repeat(SIZE - HEADER.length), 200],
  ['rows of one cell', 'text/csv', HEADER + 'a\n'.repeat((SIZE - HEADER.length) / 2), 422],
  ['a row with 350,000 unknown fields', 'application/json', JSON.stringify([{ ...device, ...fields(350_000) }]), 422],
  ['metadata of 350,000 fields', 'application/json', JSON.stringify([{ ...device, metadata: fields(350_000) }]), 422],
  ['brackets under the name of CSV', 'text/csv', '['.repeat(SIZE), 422],
  ['JSON under the name of CSV', 'text/csv', JSON.stringify([{ ...device, ...fields(350_000) }]), 422],
  ['a list of nothing', 'application/json', `[${'0,'.repeat(SIZE / 2 - 2)}0]`, 422],
])('an import of %s costs others little', async (_, type, body, status) => {
  const answers: [number, number][] = [];
  const send = async () => {
    const headers = { 'content-type': type, authorization: `Bearer ${attacked.api.token}` };
    const response = await fetch(`${attacked.server.httpUrl}/api/v1/devices/import`, { method: 'POST', headers, body });
    answers.push([response.status, (await response.arrayBuffer()).byteLength]);
  };
  const strain = await attacked.strainOf(send);
  for (const [answered, bytes] of answers) {
    expect(answered).toBe(status);
    expect(bytes).toBeLessThan(16 * 1024);
  }
  expect(strain.slowestMs).toBeLessThan(40 * strain.quietMs);
  expect(strain.grownBytes).toBeLessThan(250 * MIB);
});
