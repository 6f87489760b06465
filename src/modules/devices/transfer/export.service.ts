import type { Principal } from '#kernel/access.ts';
import { giveWay } from '#kernel/concurrency.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { DeviceReader, DeviceRecord } from '../devices.ports.ts';

export type ExportService = ReturnType<typeof createExportService>;

/** Devices read and written at a time; then others have their turn. */
const SLICE = 200;

export function createExportService(deps: {
  readonly store: Pick<DeviceReader, 'listAfter'>;
  readonly audit: AuditWriter;
}) {
  const { store, audit } = deps;
  return {
    /** Who takes it, before it is read: what a reader that is cut off has received is not known. */
    note: (actor: Principal, format: string): Promise<void> =>
      audit.record({ actor, action: 'device.exported', resourceType: 'device', resourceId: null, details: { format } }),

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
        await giveWay();
      }
    },
  };
}
