import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import type { ChangedBy, DeviceKey, GroupConfig, TwinStore } from './twin.ports.ts';
import { isSame, type Json, mergePatch } from './twin.rules.ts';
import { checkConfig, checkVersion, type ExpectedVersion } from './twin.service.ts';

/** Members that get a change in one transaction. */
const PAGE = 200;

/** The defaults of groups, and how they get to the members. */
export type TwinGroups = ReturnType<typeof createTwinGroups>;

export function createTwinGroups({
  store,
  current,
  devices,
  jobs,
  clock,
  logger,
  changed,
}: {
  readonly store: TwinStore;
  readonly current: CurrentTwins;
  readonly devices: Pick<DevicesApi, 'groupExists' | 'listInScope'>;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly changed: (device: DeviceKey, by: ChangedBy) => void;
}) {
  async function existing(groupId: number): Promise<void> {
    if (!(await devices.groupExists(groupId))) throw deviceErrors.device_group_not_found();
  }

  async function change(
    principal: Principal,
    groupId: number,
    expected: ExpectedVersion,
    from: (config: Json) => Json,
  ): Promise<GroupConfig> {
    await existing(groupId);
    const at = clock.now();
    const { group, isNew } = await store.transaction(async (writer, audit) => {
      const before = (await writer.findGroup(groupId)) ?? blank(groupId);
      checkVersion(before.version, expected);
      const config = from(before.config);
      checkConfig(config);
      if (isSame(config, before.config)) return { group: before, isNew: false };
      const after = { groupId, config, version: before.version + 1, updatedAt: at, updatedBy: principal.userId };
      await writer.saveGroup(after, at);
      await audit.record({
        actor: principal,
        action: 'device_group_config.updated',
        resourceType: 'device_group',
        resourceId: String(groupId),
        details: { version: after.version },
      });
      return { group: after, isNew: true };
    });
    if (isNew) {
      const id = `group-config-${groupId}-${group.version}`;
      // It is stored: `check_configs` finds it, too.
      await jobs
        .enqueue('apply_group_config', { group_id: groupId }, { id })
        .catch((error: unknown) => logger.warn({ err: error, group: groupId }, 'members get their defaults later'));
    }
    return group;
  }

  return {
    /** @throws AppError `device_group_not_found` */
    async get(groupId: number): Promise<GroupConfig> {
      await existing(groupId);
      return (await store.findGroup(groupId)) ?? blank(groupId);
    },

    /** @throws AppError as `get`, `config_invalid`, `precondition_failed` */
    replace: (principal: Principal, groupId: number, config: Json, expected: ExpectedVersion) =>
      change(principal, groupId, expected, () => config),

    /** @param patch JSON merge patch. @throws AppError as `replace` */
    patch: (principal: Principal, groupId: number, patch: Json, expected: ExpectedVersion) =>
      change(principal, groupId, expected, (config) => mergePatch(config, patch) as Json),

    /**
     * Gives the members of a group its present defaults, page by page.
     * @returns how many got a new version, and how many keep what they had because they would have too much
     */
    async apply(
      groupId: number,
      signal: AbortSignal,
    ): Promise<{ readonly devices: number; readonly over_limit: number }> {
      let applied = 0;
      let overLimit = 0;
      for (;;) {
        signal.throwIfAborted();
        const work = await store.transaction((writer) => writer.findWork(groupId));
        if (work === null) break;
        const page = await devices.listInScope({ groupId }, work.afterId, PAGE);
        const last = page.at(-1);
        const renewed = await store.transaction(async (writer) => {
          const now = await writer.findWork(groupId);
          // Changed again, or another run was here.
          if (now === null || now.version !== work.version || now.afterId !== work.afterId) return null;
          const group = await writer.findGroup(groupId);
          // Who has left or was deleted meanwhile gets what is right for it, or nothing.
          const ids = page.map(({ deviceId }) => deviceId);
          const members = await current.renew(writer, ids, group?.updatedBy ?? null);
          await writer.advanceWork(groupId, last?.deviceId ?? work.afterId, last === undefined);
          return members;
        });
        applied += renewed?.changed.length ?? 0;
        overLimit += renewed?.overLimit ?? 0;
        for (const device of renewed?.changed ?? []) changed(device, 'group');
      }
      if (overLimit > 0) {
        const about = { group: groupId, devices: overLimit };
        logger.warn(
          about,
          'with the defaults of their group, devices would have more than they can report; they keep what they had',
        );
      }
      return { devices: applied, over_limit: overLimit };
    },

    /** Groups whose members do not all have the present defaults, 100 at the most. */
    unfinished: (): Promise<readonly number[]> => store.listWork(100),
  };
}

function blank(groupId: number): GroupConfig {
  return { groupId, version: 0, config: {}, updatedAt: null, updatedBy: null };
}
