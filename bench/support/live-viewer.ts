import { io } from 'socket.io-client';

/** Somebody who watches one device, as a dashboard does: the live view is on while the system is measured. */
export interface LiveViewer extends Disposable {
  /** Telemetry events so far. */
  seen(): number;
}

export async function openLiveViewer(httpPort: number, token: string, deviceUid: string): Promise<LiveViewer> {
  const socket = io(`http://127.0.0.1:${httpPort}/monitoring`, { auth: { token }, transports: ['websocket'] });
  let seen = 0;
  socket.on('telemetry', () => {
    seen += 1;
  });
  await Promise.race([
    new Promise((resolve) => socket.once('connect', () => resolve(undefined))),
    new Promise((_, reject) => socket.once('connect_error', reject)),
  ]);
  const answer = await socket.timeout(5000).emitWithAck('subscribe', { device_uid: deviceUid });
  if (answer?.ok !== true) throw new Error(`the live view refused the subscription: ${JSON.stringify(answer)}`);
  return { seen: () => seen, [Symbol.dispose]: () => socket.disconnect() };
}
