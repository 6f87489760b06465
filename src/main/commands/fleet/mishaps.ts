import { createRandom } from './device-model.ts';

/** What goes wrong with devices, and how often; see `npm run core -- simulate --help`. */
export const MISHAPS = [
  /** The answer to a command is an error. */
  'command_fails',
  /** A command is never answered. */
  'command_unanswered',
  /** A version of the configuration is not applied. */
  'config_refused',
  /** One field of a version is decided by the device itself. */
  'config_overridden',
  /** The image cannot be installed, in any try. */
  'update_fails',
  /** The power is lost in the middle of the download, once in a campaign. */
  'update_power_cut',
  /** The image is damaged when it has been downloaded, once in a campaign. */
  'update_damaged',
  /** The new firmware does not start: the device comes back with the former one. */
  'update_rolled_back',
] as const;
export type Mishap = (typeof MISHAPS)[number];

/** From 0 (what is left out) to 1. */
export type MishapShares = Readonly<Partial<Record<Mishap, number>>>;

/** @param occasion which of its commands, version of its configuration, or campaign @returns the same each time */
export type Happens = (mishap: Mishap, occasion: number) => boolean;

/** Decides by the seed of the device alone, so that a fleet has the same mishaps in each run. */
export function createMishaps(shares: MishapShares, seed: number): Happens {
  return (mishap, occasion) => {
    const share = shares[mishap] ?? 0;
    if (share <= 0) return false;
    const kind = MISHAPS.indexOf(mishap) + 1;
    const mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(kind, 0x85ebca6b) ^ Math.imul(occasion, 0xc2b2ae35);
    return createRandom(mixed)() < share;
  };
}
