import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { createKeyedMutex } from '#kernel/concurrency.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import { deviceEntry } from './devices.audit.ts';
import { deviceErrors } from './devices.errors.ts';
import type { DeviceCredentials, DeviceStore } from './devices.ports.ts';

/** The logins of devices: our hash of the secret, and the broker's account where it keeps one. */
export interface DeviceLogins {
  /**
   * Makes the broker know a device that was just stored. When it does not, the device is taken back.
   * @throws AppError `unavailable`, `mqtt_account_foreign`; there is no such device then
   */
  open(deviceId: number, credentials: DeviceCredentials): Promise<void>;
  /**
   * A new secret. When the broker does not take it, the old one stays.
   * @throws AppError `device_not_found`, `unavailable`
   */
  rotate(actor: Principal, deviceId: number, at: number): Promise<DeviceCredentials>;
  /**
   * Ends the login, then calls `remove`, with no rotation of this process in between.
   * @throws AppError `unavailable`: nothing was removed
   */
  close(deviceUid: string, remove: () => Promise<void>): Promise<void>;
  /**
   * Compares with the broker: accounts without a device are removed, and those with another secret than ours, which
   * a rotation left that was cut off; devices without an account cannot be mended, since their secret is known to
   * nobody but themselves: they need a new one. An account that does not say which secret it has is left alone.
   */
  reconcile(): Promise<AccountReport>;
}

export interface AccountReport {
  /** Accounts of nobody that were removed. */
  readonly removed: number;
  /** `device_uid`s whose account had another secret than ours, and was removed. */
  readonly outdated: readonly string[];
  /** `device_uid`s that cannot log in at the broker. */
  readonly missing: readonly string[];
}

export interface DeviceLoginsDeps {
  readonly store: DeviceStore;
  readonly accounts: MqttAccounts;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PAGE = 500;
const AT_ONCE = 20;
const SHOWN = 20;
const MARK_LENGTH = 16;

type Accounts = ReadonlyMap<string, string | null>;

/**
 * First our store, then the broker, and back when the broker fails: a uid is claimed in the store, and an old
 * hash can be put back, while an account's old secret could not. A process that dies in between leaves a device
 * whose secret nobody was told, an account with the secret that was to end, or an account of nobody; `reconcile`
 * reports the first and removes the others.
 */
export function createDeviceLogins({ store, accounts, clock, logger }: DeviceLoginsDeps): DeviceLogins {
  /** One after the other for a device, so that the store and the broker end with the same secret. */
  const { run: inTurn } = createKeyedMutex<string>();

  async function undo(deviceUid: string, work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => {
      logger.error(
        { err: error, device_uid: deviceUid },
        'the device needs a new secret: the broker does not know this one',
      );
    });
  }

  /** Ends the accounts with which no device of ours may log in. */
  async function endVoid(known: Accounts): Promise<Pick<AccountReport, 'removed' | 'outdated'>> {
    let removed = 0;
    const outdated: string[] = [];
    await each([...known], ([uid, mark]) =>
      inTurn(uid, async () => {
        const device = await store.findSecret(uid);
        if (device?.deviceUid !== uid) {
          if (await accounts.remove(uid)) removed += 1;
        } else if (mark !== null && mark !== markOf(device.secretHash)) {
          // Not where the list was older: the account has the mark of a later rotation then.
          if (await accounts.remove(uid, mark)) outdated.push(uid);
        }
      }),
    );
    return { removed, outdated };
  }

  async function withoutAccount(known: Accounts): Promise<readonly string[]> {
    const missing: string[] = [];
    for (let afterId = 0; ; ) {
      const devices = await store.listAfter(afterId, PAGE);
      const last = devices.at(-1);
      if (last === undefined) return missing;
      afterId = last.id;
      missing.push(...devices.map(({ deviceUid }) => deviceUid).filter((uid) => !known.has(uid)));
    }
  }

  return {
    open: (deviceId, { username, password }) =>
      inTurn(username, async () => {
        try {
          await accounts.set(username, password, markOf(hashSecret(password)));
        } catch (error) {
          await undo(username, () =>
            store.transaction(async (writer, audit) => {
              await writer.remove(deviceId, clock.now());
              const details = { device_uid: username, reason: 'broker_refused_login' };
              await audit.record(deviceEntry(null, 'device.deleted', deviceId, details));
            }),
          );
          throw error;
        }
      }),

    async rotate(actor, deviceId, at) {
      const ref = await store.findRef(deviceId);
      if (ref === null) throw deviceErrors.device_not_found();
      const { deviceUid } = ref;
      const password = createSecret();
      const secretHash = hashSecret(password);
      return await inTurn(deviceUid, async () => {
        const former = await store.transaction(async (writer, audit) => {
          const found = await writer.findSecret(deviceUid);
          if (found?.id !== deviceId) throw deviceErrors.device_not_found();
          await writer.setSecret(deviceId, secretHash, at);
          await audit.record(deviceEntry(actor, 'device.credentials_rotated', deviceId, { device_uid: deviceUid }));
          return found.secretHash;
        });
        try {
          await accounts.set(deviceUid, password, markOf(secretHash));
        } catch (error) {
          await undo(deviceUid, () =>
            store.transaction(async (writer, audit) => {
              const now = await writer.findSecret(deviceUid);
              if (now?.secretHash !== secretHash) return;
              await writer.setSecret(deviceId, former, clock.now());
              const details = { device_uid: deviceUid, reason: 'broker_refused_login' };
              await audit.record(deviceEntry(null, 'device.credentials_restored', deviceId, details));
            }),
          );
          throw error;
        }
        return { username: deviceUid, password };
      });
    },

    // The broker first: a device that is gone here and still sends there would be the worse half.
    close: (deviceUid, remove) =>
      inTurn(deviceUid, async () => {
        await accounts.remove(deviceUid);
        await remove();
      }),

    async reconcile() {
      const known = await accounts.list();
      if (known === null) return { removed: 0, outdated: [], missing: [] };
      const { removed, outdated } = await endVoid(known);
      const suspects = await withoutAccount(known);
      // Devices may have been added since the list was made.
      const now = suspects.length === 0 ? known : ((await accounts.list()) ?? known);
      const missing = suspects.filter((uid) => !now.has(uid));
      if (removed > 0) logger.warn({ removed }, 'the broker had accounts of devices that do not exist; removed');
      const locked = [...outdated, ...missing];
      if (locked.length > 0) {
        const some = locked.slice(0, SHOWN);
        logger.warn({ count: locked.length, some }, 'devices cannot log in at the broker until they get a new secret');
      }
      return { removed, outdated, missing };
    },
  };
}

/** Says which secret it is: of the hash, so that whoever reads the broker's accounts cannot try secrets with it here. */
function markOf(secretHash: string): string {
  return hashSecret(secretHash).slice(0, MARK_LENGTH);
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
