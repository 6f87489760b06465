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

interface Channel {
  readonly socket: Socket;
  /** How many watch each room. */
  readonly rooms: Map<string, { readonly room: NonNullable<Room>; watchers: number }>;
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
    for (const { room } of channel.rooms.values()) socket.emit('subscribe', room);
  });
  // The server ends a connection whose token has expired; Socket.IO does not come back from that by itself.
  const comeBack = () => {
    refresh().then(
      (token) => token !== null && socket.connect(),
      () => setTimeout(comeBack, RETRY_MS),
    );
  };
  socket.on('disconnect', (reason) => {
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

/** Ends every connection: somebody else may sign in next. */
export function closeLive(): void {
  for (const { socket } of channels.values()) socket.disconnect();
  channels.clear();
}

/** Calls `listener` for each event of a room. @returns ends it */
export function listen<Name extends keyof LiveEvents>(
  room: Room,
  name: Name,
  listener: (payload: LiveEvents[Name]) => void,
): () => void {
  const { socket, rooms } = channelOf(NAMESPACE_OF[name]);
  const key = JSON.stringify(room);
  if (room !== null) {
    const watched = rooms.get(key) ?? { room, watchers: 0 };
    watched.watchers += 1;
    rooms.set(key, watched);
    if (watched.watchers === 1 && socket.connected) socket.emit('subscribe', room);
  }
  const relevant = (payload: LiveEvents[Name]) => {
    const uid = (payload as { device_uid?: string }).device_uid;
    if (room === null || 'all' in room || uid === room.device_uid) listener(payload);
  };
  socket.on(name as string, relevant);
  return () => {
    socket.off(name as string, relevant);
    const watched = rooms.get(key);
    if (watched === undefined) return;
    watched.watchers -= 1;
    if (watched.watchers > 0) return;
    rooms.delete(key);
    if (socket.connected) socket.emit('unsubscribe', room);
  };
}

/** `listen` for as long as the component is there. `room` undefined: not yet. */
export function useLive<Name extends keyof LiveEvents>(
  room: Room | undefined,
  name: Name,
  listener: (payload: LiveEvents[Name]) => void,
): void {
  const [latest] = useState({ listener });
  useEffect(() => {
    latest.listener = listener;
  });
  const key = room === undefined ? undefined : JSON.stringify(room);
  useEffect(() => {
    if (key === undefined) return;
    return listen(JSON.parse(key) as Room, name, (payload) => latest.listener(payload));
  }, [key, name, latest]);
}
