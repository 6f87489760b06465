import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { DeviceRef, DevicesApi } from '#modules/devices/index.ts';
import type { UsersApi } from '#modules/users/index.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { manages, mayActOn } from '../monitoring.policy.ts';
import { createAlertLookup } from './alerts.lookup.ts';
import {
  type Alert,
  COMMENT_SORT_FIELDS,
  MAX_COMMENTS,
  type MonitoringStore,
  type SignedComment,
} from './alerts.ports.ts';

export interface DiscussionServiceDeps {
  readonly store: MonitoringStore;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly users: Pick<UsersApi, 'findAccess' | 'findById'>;
  readonly clock: Clock;
  readonly events: EventBus;
}

const PAGE = 100;

export type DiscussionService = ReturnType<typeof createDiscussionService>;

/** Who takes care of an alert, and what is said about it: for whoever may acknowledge it. */
export function createDiscussionService({ store, devices, users, clock, events }: DiscussionServiceDeps) {
  const lookup = createAlertLookup({ store, devices });

  const nameOf = async (userId: number) => (await users.findById(userId))?.fullName ?? null;

  /** @throws AppError `alert_assignee_unknown` */
  async function requireAssignee(principal: Principal, device: Pick<DeviceRef, 'ownerId'>, userId: number) {
    const refuse = (message: string) =>
      monitoringErrors.alert_assignee_unknown({ details: { fields: [{ path: '/assigned_to', message }] } });
    if (userId === principal.userId) return;
    if (!manages(principal)) throw refuse('must be your own id, or null');
    const access = await users.findAccess(userId);
    if (access?.isActive !== true || !mayActOn({ userId, role: access.role }, device)) {
      throw refuse('must be the id of an active user of MANAGEMENT, or of the owner of the device');
    }
  }

  async function give(actor: Principal | null, id: number, userId: number | null): Promise<Alert> {
    const now = clock.now();
    const { alert, changed } = await store.transaction(async ({ alerts, audit }) => {
      const changed = await alerts.assign(id, userId, now);
      const alert = await lookup.existing(id, alerts);
      if (changed) {
        const details = { rule_id: alert.ruleId, device_id: alert.deviceId, assigned_to: userId };
        await audit.record({ ...entry(actor, id), action: 'alert.assigned', details });
      }
      return { alert, changed };
    });
    if (changed) events.emit('alert.assigned', now, { alert });
    return alert;
  }

  /** Ids of what somebody takes care of and nobody has acknowledged. */
  async function openOf(userId: number): Promise<readonly number[]> {
    const ids: number[] = [];
    for (let page = 1; ; page += 1) {
      const sort = [{ field: 'id', direction: 'asc' }] as const;
      const filter = { assignedTo: userId, isAcknowledged: false };
      const { items, total } = await store.alerts.list({ filter, page, size: PAGE, sort });
      ids.push(...items.map(({ id }) => id));
      if (page * PAGE >= total) return ids;
    }
  }

  return {
    /**
     * Says who takes care of the alert; null: nobody. A USER may name itself only.
     * @throws AppError `alert_not_found`, `alert_assignee_unknown`
     */
    async assign(principal: Principal, id: number, userId: number | null): Promise<Alert> {
      const { device } = await lookup.touched(principal, id);
      if (userId !== null) await requireAssignee(principal, device, userId);
      return await give(principal, id, userId);
    },

    /** Nobody takes care any more of what the user may not deal with any more: it is for others to take. */
    async release(userId: number): Promise<void> {
      const access = await users.findAccess(userId);
      for (const id of await openOf(userId)) {
        const isAble =
          access?.isActive === true &&
          (await lookup.touched({ userId, role: access.role }, id).then(
            () => true,
            (error: unknown) => {
              if (isAppError(error) && error.kind === 'not_found') return false;
              throw error;
            },
          ));
        if (!isAble) await give(null, id, null);
      }
    },

    /** Oldest first, unless asked otherwise. @throws AppError `alert_not_found`, `invalid_input` */
    async comments(
      principal: Principal,
      id: number,
      { sort: order, ...query }: PageQuery & { readonly q?: string },
    ): Promise<Page<SignedComment>> {
      await lookup.touched(principal, id);
      const sort = parseSort(order, COMMENT_SORT_FIELDS, [{ field: 'created_at', direction: 'asc' }]);
      const { items, total } = await store.alerts.listComments(id, { ...query, sort });
      const authors = [...new Set(items.map(({ authorId }) => authorId))];
      const names = new Map(await Promise.all(authors.map(async (each) => [each, await nameOf(each)] as const)));
      const signed = items.map((comment) => ({ ...comment, authorName: names.get(comment.authorId) ?? null }));
      return toPage(signed, total, query);
    },

    /** @throws AppError `alert_not_found`, `alert_comment_limit` */
    async comment(principal: Principal, id: number, text: string): Promise<SignedComment> {
      await lookup.touched(principal, id);
      const now = clock.now();
      const { alert, comment } = await store.transaction(async ({ alerts, audit }) => {
        const comment = await alerts.comment({ alertId: id, authorId: principal.userId, text, createdAt: now });
        const alert = await lookup.existing(id, alerts);
        if (comment === null) {
          const detail = `There are ${MAX_COMMENTS} comments on the alert, the limit, already.`;
          throw monitoringErrors.alert_comment_limit({ detail });
        }
        const details = { rule_id: alert.ruleId, device_id: alert.deviceId, comment_id: comment.id };
        await audit.record({ ...entry(principal, id), action: 'alert.commented', details });
        return { alert, comment };
      });
      events.emit('alert.commented', now, { alert });
      return { ...comment, authorName: await nameOf(principal.userId) };
    },
  };
}

function entry(actor: Principal | null, id: number) {
  return { actor, resourceType: 'alert', resourceId: String(id) };
}
