import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { TwinGroups } from './twin.groups.ts';
import type { TwinSweep } from './twin.sweep.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    apply_group_config: { readonly group_id: number };
    check_configs: Record<string, never>;
  }
}

export function createTwinJobs(
  groups: Pick<TwinGroups, 'apply' | 'unfinished'>,
  sweep: TwinSweep,
): readonly JobDefinition[] {
  const applyGroupConfig: JobDefinition<'apply_group_config'> = {
    name: 'apply_group_config',
    queue: 'devices',
    description: 'Gives the members of a group its configuration.',
    isInternal: true,
    run: async ({ group_id }, { signal }) => await groups.apply(group_id, signal),
  };
  const checkConfigs: JobDefinition<'check_configs'> = {
    name: 'check_configs',
    queue: 'devices',
    description: 'Finishes changes of configurations that a process left behind.',
    schedule: '* * * * *',
    defaultData: {},
    async run(_, { signal }) {
      let devices = 0;
      for (const groupId of await groups.unfinished()) devices += (await groups.apply(groupId, signal)).devices;
      return { devices, settled: await sweep.settle(signal), published: await sweep.tell(signal) };
    },
  };
  return [applyGroupConfig, checkConfigs];
}
