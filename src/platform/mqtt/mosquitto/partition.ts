const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * Which of `count` sessions deals with a device, from 0: FNV-1a of its uid, with the end of MurmurHash3 because the
 * low bits alone are poor. It must never change.
 */
export function partOf(deviceUid: string, count: number): number {
  let hash = OFFSET;
  for (let index = 0; index < deviceUid.length; index++) {
    hash = Math.imul(hash ^ deviceUid.charCodeAt(index), PRIME);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

/** One of the sessions at the broker. */
export interface Session {
  /** `2-of-3` */
  readonly name: string;
  readonly clientId: string;
  /** Whether it deals with this device. */
  owns(deviceUid: string): boolean;
}

/** The sessions that `count` parts of the devices have. With a dot, so that no device can have such a client id. */
export function sessionsOf(count: number): readonly Session[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${index + 1}-of-${count}`;
    return {
      name,
      clientId: `core.api.receiver-${name}`,
      owns: count === 1 ? () => true : (deviceUid) => partOf(deviceUid, count) === index,
    };
  });
}
