import type { HttpLimits } from './http.limits.ts';

/** The body of one request, in memory until that is answered. */
export interface HeldBody {
  /** Counts what has come; that may end this body, or those of whoever holds most. */
  add(bytes: number): void;
  /** All of it is here: it is worked on, and not ended any more. */
  complete(): void;
  release(): void;
}

interface Body {
  bytes: number;
  isHeld: boolean;
  readonly giveUp: () => void;
}

interface Holder {
  bytes: number;
  held: number;
  /** In the order in which they began. */
  readonly coming: Set<Body>;
}

/**
 * What all bodies together take. One client has a share of it, and where many clients fill it, the one that holds most
 * makes room with its newest, whoever sends the byte that is too much: so a small request is taken at any time.
 */
export function createHeldBodies({ heldBodyBytes, heldBodyBytesOfOne }: HttpLimits) {
  const holders = new Map<string, Holder>();
  let total = 0;

  function add(holder: Holder, body: Body, bytes: number): void {
    body.bytes += bytes;
    holder.bytes += bytes;
    total += bytes;
  }

  function remove(key: string, holder: Holder, body: Body): void {
    if (!body.isHeld) return;
    add(holder, body, -body.bytes);
    body.isHeld = false;
    holder.coming.delete(body);
    holder.held -= 1;
    if (holder.held === 0) holders.delete(key);
  }

  function end(key: string, holder: Holder, body: Body): void {
    remove(key, holder, body);
    body.giveUp();
  }

  function makeRoom(): void {
    while (total > heldBodyBytes) {
      let largest: [string, Holder] | undefined;
      for (const each of holders) {
        if (each[1].coming.size > 0 && each[1].bytes > (largest?.[1].bytes ?? -1)) largest = each;
      }
      const newest = largest && [...largest[1].coming].at(-1);
      if (largest === undefined || newest === undefined) return;
      end(...largest, newest);
    }
  }

  return {
    /** @param key whose it is @param giveUp refuses the request */
    hold(key: string, giveUp: () => void): HeldBody {
      const holder = holders.get(key) ?? { bytes: 0, held: 0, coming: new Set() };
      holders.set(key, holder);
      const body: Body = { bytes: 0, isHeld: true, giveUp };
      holder.held += 1;
      holder.coming.add(body);
      return {
        add(bytes) {
          if (!body.isHeld) return;
          add(holder, body, bytes);
          if (holder.bytes > heldBodyBytesOfOne) end(key, holder, body);
          if (total > heldBodyBytes) makeRoom();
        },
        complete: () => void holder.coming.delete(body),
        release: () => remove(key, holder, body),
      };
    },
  };
}
