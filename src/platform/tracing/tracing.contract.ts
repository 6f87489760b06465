import { describe, expect, test } from 'vitest';
import type { Tracing } from './tracing.port.ts';

/** What every `Tracing` does, whether it records or not. */
export function tracingContract(name: string, open: () => Promise<{ tracing: Tracing; close(): Promise<void> }>): void {
  describe(`Tracing: ${name}`, () => {
    test('whatever a caller sends, and however often a span is ended, nothing is thrown', async () => {
      const { tracing, close } = await open();
      for (const header of [undefined, '', 'nonsense', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, '\0', 'ff-x']) {
        const span = tracing.continue(header, 'GET /x', 'server');
        span?.child('part', { a: 1, b: true, c: 'x' }).end(new Error('failed'));
        span?.set({ a: 2 });
        span?.end();
        span?.end('again');
      }
      expect(typeof tracing.samples()).toBe('boolean');
      await close();
    });
    test('a caller that is not recorded is not recorded here', async () => {
      const { tracing, close } = await open();
      const header = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
      expect(tracing.continue(header, 'GET /x', 'server')).toBeNull();
      await close();
    });
  });
}
