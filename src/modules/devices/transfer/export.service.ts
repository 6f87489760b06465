import { setImmediate } from 'node:timers/promises';
import type { DeviceReader, DeviceRecord } from '../devices.ports.ts';

export type ExportService = ReturnType<typeof createExportService>;

/** Devices read and written at a time; then others have their turn. */
const SLICE = 200;

export function createExportService({ store }: { readonly store: Pick<DeviceReader, 'listAfter'> }) {
  return {
    /**
     * Every device, by id, in slices. Reads as the consumer asks for more, so it holds one slice in memory;
     * devices created or deleted meanwhile may be there or not.
     */
    async *exportAll(): AsyncGenerator<readonly DeviceRecord[]> {
      let afterId = 0;
      for (;;) {
        const slice = await store.listAfter(afterId, SLICE);
        const last = slice.at(-1);
        if (last === undefined) return;
        yield slice;
        if (slice.length < SLICE) return;
        afterId = last.id;
        await setImmediate();
      }
    },
  };
}
