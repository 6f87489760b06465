import { commonErrors } from '#kernel/errors.ts';
import { mqttErrors } from '../mqtt.errors.ts';
import { type MqttAccounts, SERVER_CHANNELS } from '../mqtt.port.ts';
import type { Command, MosquittoControl, Reply } from './control.ts';

const PREFIX = 'device:';
/** Begins the description of an account that says which secret it has. Any other is an operator's. */
const MARK = 'core-api secret ';
const PAGE = 500;

interface Account {
  readonly username: string;
  readonly textdescription?: string;
  readonly roles: readonly { readonly rolename: string }[];
}

/**
 * Accounts in Mosquitto's dynamic security. A device has an account of its uid and a role `device:{uid}` with
 * its exact topics: the plugin of Mosquitto 2.0 cannot put the user's name into a topic. Without that role an
 * account is not a device's, and is never touched.
 * @param channels that devices may publish to
 */
export function createMosquittoAccounts(
  control: Pick<MosquittoControl, 'command'>,
  channels: readonly string[],
): MqttAccounts {
  /** Null: there is none. `foreign`: it is no device's. */
  async function find(username: string): Promise<Account | 'foreign' | null> {
    const [reply] = await control.command({ command: 'getClient', username });
    if (/not found/i.test(reply?.error ?? '')) return null;
    done(reply);
    const account = reply?.data?.['client'] as Account | undefined;
    return account !== undefined && isDevice(account) ? account : 'foreign';
  }

  return {
    async set(deviceUid, secret, mark) {
      const rolename = PREFIX + deviceUid;
      // In one command: a broker that dies has neither or both.
      const login = { username: deviceUid, password: secret, textdescription: MARK + mark };
      const [role, client] = await control.command(
        { command: 'createRole', rolename, acls: rightsOf(deviceUid, channels) },
        { command: 'createClient', ...login, roles: [{ rolename }] },
      );
      if (!/already exists/i.test(role?.error ?? '')) done(role);
      if (!/already exists/i.test(client?.error ?? '')) return done(client);
      if ((await find(deviceUid)) === 'foreign') throw mqttErrors.mqtt_account_foreign();
      // Ends the sessions too. Enabled, in case that an operator had disabled the account.
      const replies = await control.command(
        { command: 'modifyClient', ...login },
        { command: 'enableClient', username: deviceUid },
      );
      replies.forEach(done);
    },

    async remove(deviceUid, onlyOf) {
      const account = await find(deviceUid);
      if (account === 'foreign') return false;
      if (onlyOf !== undefined && (account === null || markOf(account) !== onlyOf)) return false;
      const commands: Command[] = [{ command: 'deleteRole', rolename: PREFIX + deviceUid }];
      // First the account: its sessions end with it, while the role's end would only silence them.
      if (account !== null) commands.unshift({ command: 'deleteClient', username: deviceUid });
      for (const reply of await control.command(...commands)) {
        if (!/not found/i.test(reply.error ?? '')) done(reply);
      }
      return account !== null;
    },

    async list() {
      const marks = new Map<string, string | null>();
      for (let offset = 0; ; offset += PAGE) {
        const [reply] = await control.command({ command: 'listClients', verbose: true, count: PAGE, offset });
        done(reply);
        const accounts = (reply?.data?.['clients'] ?? []) as readonly Account[];
        for (const account of accounts) if (isDevice(account)) marks.set(account.username, markOf(account));
        if (accounts.length < PAGE) return marks;
      }
    },
  };
}

function isDevice({ username, roles }: Account): boolean {
  return roles.some(({ rolename }) => rolename === PREFIX + username);
}

function markOf({ textdescription = '' }: Account): string | null {
  return textdescription.startsWith(MARK) ? textdescription.slice(MARK.length) : null;
}

/** Exact topics: no pattern, so nothing of another device can match. */
function rightsOf(deviceUid: string, channels: readonly string[]) {
  const topic = (channel: string) => `devices/${deviceUid}/${channel}`;
  return [
    ...channels.map((channel) => ({ acltype: 'publishClientSend', topic: topic(channel), allow: true })),
    ...SERVER_CHANNELS.map((channel) => ({ acltype: 'subscribeLiteral', topic: topic(channel), allow: true })),
  ];
}

/** @throws AppError `unavailable` when the broker did not do it */
function done(reply: Reply | undefined): void {
  if (reply === undefined || reply.error !== undefined) {
    throw commonErrors.unavailable({ cause: new Error(`dynamic security: ${reply?.error ?? 'no answer'}`) });
  }
}
