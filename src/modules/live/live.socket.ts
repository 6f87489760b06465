import { Compile } from 'typebox/compile';
import { isManagement, type Principal } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import { sendLive } from '#platform/realtime/live-event.port.ts';
import type { Realtime, RealtimeConnection, RealtimeNamespace } from '#platform/realtime/realtime.port.ts';
import {
  changeRooms,
  deviceOfRoom,
  deviceRoom,
  LIVE_CERTIFICATE_ENDING,
  LIVE_STATUS,
  MONITORING,
  roomOf,
  WATCH_FORMS,
  WatchCommand,
} from './live.schemas.ts';

const watchCommand = Compile(WatchCommand);

/** `/monitoring`: people watch devices that they may see. */
export function createMonitoringNamespace(
  realtime: Realtime,
  devices: Pick<DevicesApi, 'findVisibleByUid' | 'mayObserve'>,
  events: EventBus,
): RealtimeNamespace {
  async function roomFor(principal: Principal, data: unknown): Promise<string> {
    if (!watchCommand.Check(data)) {
      throw commonErrors.invalid_input({ detail: `Accepted is ${WATCH_FORMS}.` });
    }
    if ('all' in data) {
      if (!isManagement(principal.role)) throw commonErrors.forbidden();
      return roomOf(data);
    }
    const device = await devices.findVisibleByUid(principal, data.device_uid);
    if (device === null) throw deviceErrors.device_not_found();
    return deviceRoom(device.deviceUid);
  }

  const commands = {
    async subscribe(connection: RealtimeConnection, data: unknown) {
      const room = await roomFor(connection.principal, data);
      await connection.join(room);
      try {
        // It may have been taken away in between, before there was anybody in the room to evict.
        await roomFor(connection.principal, data);
      } catch (error) {
        await connection.leave(room);
        throw error;
      }
      return undefined;
    },
    async unsubscribe(connection: RealtimeConnection, data: unknown) {
      if (!watchCommand.Check(data)) {
        throw commonErrors.invalid_input({ detail: `Accepted is ${WATCH_FORMS}.` });
      }
      // Leaving needs no permission: the device may have been taken away in the meantime.
      await connection.leave(roomOf(data));
      return undefined;
    },
  };
  const namespace = realtime.namespace(MONITORING, commands, async (principal, room) => {
    const deviceUid = deviceOfRoom(room);
    return deviceUid === null ? isManagement(principal.role) : devices.mayObserve(principal, deviceUid);
  });

  events.on('device.status_changed', ({ data }) => {
    sendLive(namespace, LIVE_STATUS, changeRooms(data.device_uid), {
      device_uid: data.device_uid,
      status: data.to,
      last_seen_at: data.last_seen_at === null ? null : toIso(data.last_seen_at),
    });
  });
  events.on('device.certificate_ending', ({ data }) => {
    sendLive(namespace, LIVE_CERTIFICATE_ENDING, changeRooms(data.device_uid), {
      device_uid: data.device_uid,
      serial: data.serial,
      not_after: toIso(data.not_after),
    });
  });
  const evict = (deviceUid: string) =>
    namespace.evict(deviceRoom(deviceUid), (principal) => devices.mayObserve(principal, deviceUid));
  events.on('device.owner_changed', ({ data }) => evict(data.device_uid));
  events.on('device.deleted', ({ data }) => evict(data.device_uid));
  return namespace;
}
