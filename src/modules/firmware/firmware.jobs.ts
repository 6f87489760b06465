import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { FirmwareService } from './firmware.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    sweep_firmware: Record<string, never>;
  }
}

export function createFirmwareJobs(firmware: Pick<FirmwareService, 'sweep'>): readonly JobDefinition[] {
  const sweep: JobDefinition<'sweep_firmware'> = {
    name: 'sweep_firmware',
    queue: 'default',
    description: 'Removes what interrupted uploads of firmware have left.',
    schedule: '40 3 * * *',
    defaultData: {},
    run: async (_, { signal }) => ({ removed: await firmware.sweep(signal) }),
  };
  return [sweep];
}
