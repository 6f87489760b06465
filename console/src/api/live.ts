import { useEffect, useState } from 'react';
import { io, type Socket } from 'socket.io-client';
import { BASE } from '#console/app/base.ts';
import { accessToken, refresh } from '#console/session/session.ts';
import type { LiveEvents } from './live-events.d.ts';
import { setReachable } from './reachable.ts';

export type { LiveEvents } from './live-events.d.ts';

type Namespace = '/monitoring' | '/device' | '/notification';

const NAMESPACE_OF: Readonly<Record<keyof LiveEvents, Namespace>> = {
  telemetry: '/monitoring',
  device_status: '/monitoring',
  certificate_ending: '/monitoring',
  alert: '/monitoring',
  notification: '/notification',
  command: '/device',
  device_response: '/device',
};

/** Everything about every device but telemetry, which would be the whole fleet's: for who may see all devices. */
export const EVERY_CHANGE = { all: true, telemetry: false } as const;

/** What is watched: one device, all of them, or what comes without asking. */
export type Room = { readonly device_uid: string } | typeof EVERY_CHANGE | null;

/**
 * Nothing passes by from now on: what was read before may be behind, and is read again.
 * @param isLate what is being read now was perhaps asked for before that
 */
export type Watched = (isLate: boolean) => void;

interface Watch {
  readonly room: NonNullable<Room>;
  watchers: number;
  /** Whether the server has said so, in this connection. */
  isOn: boolean;
  readonly told: Set<Watched>;
}

interface Channel {
  readonly socket: Socket;
  readonly rooms: Map<string, Watch>;
}

const RETRY_MS = 2_000;
const channels = new Map<Namespace, Channel>();

function channelOf(namespace: Namespace): Channel {
  const existing = channels.get(namespace);
  if (existing !== undefined) return existing;
  const socket = io(`${location.origin}${namespace}`, {
    path: `${BASE}/socket.io`,
    transports: ['websocket'],
    auth: (send) => send({ token: accessToken() }),
    reconnectionDelayMax: 5_000,
  });
  const channel: Channel = { socket, rooms: new Map() };
  socket.on('connect', () => {
    setReachable(true);
    for (const watch of channel.rooms.values()) subscribe(socket, watch);
  });
  // The server ends a connection whose token has expired; Socket.IO does not come back from that by itself.
  const comeBack = () => {
    refresh().then(
      (token) => token !== null && socket.connect(),
      () => setTimeout(comeBack, RETRY_MS),
    );
  };
  socket.on('disconnect', (reason) => {
    for (const watch of channel.rooms.values()) watch.isOn = false;
    if (reason === 'io server disconnect') comeBack();
    else if (reason !== 'io client disconnect') setReachable(false);
  });
  socket.on('connect_error', () => {
    // Refused, and not for want of a network: a new token may be let in, and is not asked for without end.
    if (!socket.active) setTimeout(comeBack, RETRY_MS);
  });
  channels.set(namespace, channel);
  return channel;
}

function subscribe(socket: Socket, watch: Watch): void {
  socket.emit('subscribe', watch.room, ({ ok }: { readonly ok: boolean }) => {
    if (!ok) return;
    watch.isOn = true;
    for (const tell of watch.told) tell(true);
  });
}

/** Ends every connection: somebody else may sign in next. */
export function closeLive(): void {
  for (const { socket } of channels.values()) socket.disconnect();
  channels.clear();
}

/** Calls `listener` for each event of a room, and `watched` each time that it begins to. @returns ends it */
export function listen<Name extends keyof LiveEvents>(
  room: Room,
  name: Name,
  listener: (payload: LiveEvents[Name]) => void,
  watched: Watched = () => {},
): () => void {
  const { socket, rooms } = channelOf(NAMESPACE_OF[name]);
  const key = JSON.stringify(room);
  if (room !== null) {
    const watch = rooms.get(key) ?? { room, watchers: 0, isOn: false, told: new Set() };
    watch.watchers += 1;
    watch.told.add(watched);
    rooms.set(key, watch);
    if (watch.watchers === 1 && socket.connected) subscribe(socket, watch);
    else if (watch.isOn) watched(false);
  }
  const relevant = (payload: LiveEvents[Name]) => {
    const uid = (payload as { device_uid?: string }).device_uid;
    if (room === null || 'all' in room || uid === room.device_uid) listener(payload);
  };
  socket.on(name as string, relevant);
  return () => {
    socket.off(name as string, relevant);
    const watch = rooms.get(key);
    if (watch === undefined) return;
    watch.watchers -= 1;
    watch.told.delete(watched);
    if (watch.watchers > 0) return;
    rooms.delete(key);
    if (socket.connected) socket.emit('unsubscribe', room);
  };
}

/** `listen` for as long as the component is there. `room` undefined: not yet. */
export function useLive<Name extends keyof LiveEvents>(
  room: Room | undefined,
  name: Name,
  listener: (payload: LiveEvents[Name]) => void,
  watched: Watched = () => {},
): void {
  const [latest] = useState({ listener, watched });
  useEffect(() => {
    Object.assign(latest, { listener, watched });
  });
  const key = room === undefined ? undefined : JSON.stringify(room);
  useEffect(() => {
    if (key === undefined) return;
    return listen(
      JSON.parse(key) as Room,
      name,
      (payload) => latest.listener(payload),
      (isLate) => latest.watched(isLate),
    );
  }, [key, name, latest]);
}
