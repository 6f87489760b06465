/** Longer than the broker takes from one line of its code to the next, far shorter than anybody waits. */
const GRACE_MS = 100;

/**
 * Mosquitto says that a session is over right before it publishes the session's Last Will. The end is
 * held back for a moment, so that the will comes first, as the port has it.
 */
export function createEndings() {
  const held = new Map<string, { readonly timer: NodeJS.Timeout; readonly then: () => void }>();

  function flush(deviceUid: string): void {
    const ending = held.get(deviceUid);
    if (ending === undefined) return;
    held.delete(deviceUid);
    clearTimeout(ending.timer);
    ending.then();
  }

  return {
    add(deviceUid: string, then: () => void): void {
      flush(deviceUid);
      held.set(deviceUid, { timer: setTimeout(() => flush(deviceUid), GRACE_MS), then });
    },
    /** Now: the device is heard of again. */
    flush,
    flushAll(): void {
      for (const deviceUid of [...held.keys()]) flush(deviceUid);
    },
  };
}
