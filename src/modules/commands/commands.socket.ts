import { Compile } from 'typebox/compile';
import { assertMayChange, type Principal } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { sendLive } from '#platform/realtime/live-event.port.ts';
import type { Realtime, RealtimeConnection } from '#platform/realtime/realtime.port.ts';
import { presentCommand, toOrder } from './commands.schemas.ts';
import type { CommandsService } from './commands.service.ts';
import {
  DEVICE_NAMESPACE,
  LIVE_COMMAND,
  LIVE_RESPONSE,
  presentResponse,
  SendBody,
  WatchBody,
} from './commands.socket.schemas.ts';

const watchBody = Compile(WatchBody);
const sendBody = Compile(SendBody);

const ROOM = 'device:';

/** What a USER may change within a time; null: anything. */
export type WriteLimit = { readonly max: number; readonly windowMs: number } | null;

/** `/device`: people who may control a device send it commands and watch what becomes of them. */
export function createDeviceNamespace(
  {
    realtime,
    counters,
    writeLimit,
  }: { readonly realtime: Realtime; readonly counters: CounterStore; readonly writeLimit: WriteLimit },
  commands: Pick<CommandsService, 'create'>,
  devices: Pick<DevicesApi, 'findVisibleByUid' | 'getControllable'>,
  events: EventBus,
): void {
  async function controllable(principal: Principal, deviceUid: string) {
    const device = await devices.findVisibleByUid(principal, deviceUid);
    if (device === null) throw deviceErrors.device_not_found();
    return await devices.getControllable(principal, device.deviceId);
  }

  async function count({ userId, role }: Principal): Promise<void> {
    if (role !== 'USER' || writeLimit === null) return;
    // Counted together with what the user changes over HTTP.
    const { count: made, resetInMs } = await counters.increment(`writes:${userId}`, writeLimit.windowMs);
    if (made <= writeLimit.max) return;
    throw commonErrors.rate_limited({ details: { retryAfterSeconds: Math.max(1, resetInMs / 1_000) } });
  }

  async function mayStay(principal: Principal, deviceUid: string): Promise<boolean> {
    try {
      await controllable(principal, deviceUid);
      return true;
    } catch {
      return false;
    }
  }

  function watched(data: unknown): string {
    if (!watchBody.Check(data)) throw commonErrors.invalid_input({ detail: 'Accepted is {device_uid: string}.' });
    return data.device_uid;
  }

  const namespace = realtime.namespace(
    DEVICE_NAMESPACE,
    {
      async subscribe(connection: RealtimeConnection, data: unknown) {
        const deviceUid = watched(data);
        await controllable(connection.principal, deviceUid);
        await connection.join(ROOM + deviceUid);
        try {
          // It may have been taken away in between, before there was anybody in the room to evict.
          await controllable(connection.principal, deviceUid);
        } catch (error) {
          await connection.leave(ROOM + deviceUid);
          throw error;
        }
        return undefined;
      },
      async unsubscribe(connection: RealtimeConnection, data: unknown) {
        await connection.leave(ROOM + watched(data));
        return undefined;
      },
      async send_command(connection: RealtimeConnection, data: unknown) {
        if (!sendBody.Check(data)) {
          const detail =
            'Accepted is {device_uid: string, command: string, params?: object, timeout_seconds?: 1 to 604800}.';
          throw commonErrors.invalid_input({ detail });
        }
        assertMayChange(connection.principal);
        await count(connection.principal);
        const { device_uid, timeout_seconds, ...order } = data;
        const { deviceId } = await controllable(connection.principal, device_uid);
        const ttl = timeout_seconds === undefined ? {} : { ttl_seconds: timeout_seconds };
        const options = { key: null, waitSeconds: 0 };
        const { command } = await commands.create(
          connection.principal,
          deviceId,
          toOrder({ ...order, ...ttl }),
          options,
        );
        return { command_id: command.commandId };
      },
    },
    (principal, room) => mayStay(principal, room.slice(ROOM.length)),
  );

  events.on('command.changed', ({ data: { command, said } }) => {
    const room = ROOM + command.deviceUid;
    if (!namespace.hasListeners(room)) return;
    sendLive(namespace, LIVE_COMMAND, room, presentCommand(command));
    if (said !== null) sendLive(namespace, LIVE_RESPONSE, room, presentResponse(command, said));
  });
  const evict = (deviceUid: string) => namespace.evict(ROOM + deviceUid, (principal) => mayStay(principal, deviceUid));
  events.on('device.owner_changed', ({ data }) => evict(data.device_uid));
  events.on('device.deleted', ({ data }) => evict(data.device_uid));
}
