import type { MqttHandler } from '../mqtt.port.ts';
import type { DownlinkEdge } from './downlink.ts';
import type { Identities } from './identities.ts';
import type { Signal } from './signals.ts';

/** How exactly `$SYS/broker/uptime` tells the moment of a start. */
const UPTIME_ERROR_MS = 4_000;

/** Who of the devices of one session is connected, as far as the broker told us while we had the session. */
export interface Presence {
  signalled(signal: Signal): void;
  /** Our connection is lost: what is told from now on is newer. */
  lost(): void;
  /** What `$SYS/broker/uptime` says. A broker that was started after we lost it has no connection of before. */
  uptime(seconds: number): void;
}

export function createPresence(
  handler: Pick<MqttHandler, 'connected' | 'disconnected'>,
  identities: Pick<Identities, 'with'>,
  downlink: Pick<DownlinkEdge, 'opened' | 'closed' | 'subscribed' | 'unsubscribed'>,
): Presence {
  /** With the number of our connection on which it was told. */
  const online = new Map<string, number>();
  let connections = 0;
  let lostAt: number | undefined;

  function signalled(signal: Signal): void {
    const { deviceUid } = signal;
    const told = connections;
    identities.with(deviceUid, (device) => {
      if (signal.kind === 'disconnected') {
        online.delete(deviceUid);
        downlink.closed(deviceUid);
        if (device !== null) handler.disconnected(device, 'device');
      } else if (device === null) {
        return;
      } else if (signal.kind === 'connected') {
        // A take-over of the device's session: the broker says nothing of the end of the old connection.
        if (online.has(deviceUid)) handler.disconnected(device, 'device');
        downlink.closed(deviceUid);
        online.set(deviceUid, told);
        handler.connected(device, { ipAddress: signal.ipAddress });
        downlink.opened(device, signal);
      } else if (signal.kind === 'subscribed') {
        downlink.subscribed(deviceUid, signal.channel, signal.qos);
      } else {
        downlink.unsubscribed(deviceUid, signal.channel);
      }
    });
  }

  return {
    signalled,
    lost() {
      connections++;
      lostAt ??= performance.now();
    },
    uptime(seconds) {
      if (lostAt === undefined || Number.isNaN(seconds)) return;
      const restarted = performance.now() - seconds * 1_000 > lostAt - UPTIME_ERROR_MS;
      lostAt = undefined;
      if (!restarted) return;
      for (const [deviceUid, told] of online) {
        if (told < connections) signalled({ kind: 'disconnected', deviceUid });
      }
    },
  };
}
