import type { Principal } from '#kernel/access.ts';
import { createSecret } from '#kernel/ids.ts';
import type { Settings } from '../settings.ts';
import { StartError } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';
import { type SampleApi, withSampleApi } from './seed/sample-api.ts';
import { DEVICES, GROUPS, PEOPLE, RULES, type SampleDevice, type SampleRule } from './seed/sample-data.ts';

const API = '/api/v1';

export interface Seeded {
  /** One line for each thing that was made, with its secret if it has one. */
  readonly made: readonly string[];
  /** Names of what was there already, and was left as it is. */
  readonly there: readonly string[];
}

export const seed: Command = {
  usage: '',
  summary:
    'Makes sample data: a user of each role, groups, devices and alert rules. What is there already stays as it is. ' +
    'Passwords and secrets are generated and printed once.',
  async run(args, settings) {
    if (args.length > 0) throw new UsageError('seed takes no arguments.');
    const { made, there } = await seedSampleData(settings);
    print(...made.map((line) => `made   ${line}`), ...there.map((line) => `there  ${line}`));
    if (made.length === 0) print('', 'Nothing was made: all of it is there.');
    else print('', 'Passwords and secrets are shown only now. A running server takes new rules up at its next start.');
  },
};

/** @throws StartError when somebody else has the e-mail of the sample SUPERADMIN: then nothing was made */
export async function seedSampleData(settings: Settings): Promise<Seeded> {
  return withSampleApi(settings, async (api) => {
    const made: string[] = [];
    const there: string[] = [];
    const owners = await seedPeople(api, made, there);
    const [{ email, role }] = PEOPLE;
    const actor: Principal = { userId: owners.get(email) ?? 0, role };

    const groups = new Map<string, number>();
    for (const group of GROUPS) {
      const known = await findBy<{ id: number; name: string }>(api, actor, '/device-groups', group.name, 'name');
      const { id } = known ?? (await create<{ id: number }>(api, actor, '/device-groups', group));
      groups.set(group.name, id);
      (known === undefined ? made : there).push(`device group ${group.name}`);
    }
    for (const device of DEVICES) {
      const { device_uid: uid } = device;
      if ((await findBy<{ device_uid: string }>(api, actor, '/devices', uid, 'device_uid')) !== undefined) {
        there.push(`device ${uid}`);
        continue;
      }
      const { credentials } = await create<{ credentials: { password: string } }>(
        api,
        actor,
        '/devices',
        deviceBody(device, groups, owners),
      );
      made.push(`device ${uid}   secret ${credentials.password}`);
    }
    for (const rule of RULES) {
      const { name } = rule.body;
      const known = await findBy<{ name: string }>(api, actor, '/monitoring/alert-rules', name, 'name');
      if (known === undefined) await create(api, actor, '/monitoring/alert-rules', ruleBody(rule, groups));
      (known === undefined ? made : there).push(`alert rule ${name}`);
    }
    return { made, there };
  });
}

/** @returns e-mail → id */
async function seedPeople({ users }: SampleApi, made: string[], there: string[]): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  for (const { email, role, fullName } of PEOPLE) {
    const known = await users.findByEmail(email);
    if (known !== null && role === 'SUPERADMIN' && known.role !== role) {
      throw new StartError(`${email} is there already, as ${known.role}: nothing was made.`);
    }
    const password = createSecret(12);
    const { id } = known ?? (await users.create({ email, password, role, fullName }));
    ids.set(email, id);
    if (known === null) made.push(`${role} ${email}   password ${password}`);
    else there.push(`${known.role} ${email}`);
  }
  return ids;
}

/** The one of a list whose `field` is exactly `value`. */
async function findBy<T extends object>(
  api: SampleApi,
  actor: Principal,
  list: string,
  value: string,
  field: keyof T,
): Promise<T | undefined> {
  const query = { q: value, size: '100' };
  const { items } = await api.call<{ items: readonly T[] }>(actor, { method: 'GET', url: API + list, query });
  return items.find((item) => item[field] === value);
}

function create<T>(api: SampleApi, actor: Principal, list: string, body: object): Promise<T> {
  return api.call<T>(actor, { method: 'POST', url: API + list, body });
}

function deviceBody(
  { group, owner, ...device }: SampleDevice,
  groups: ReadonlyMap<string, number>,
  owners: ReadonlyMap<string, number>,
): object {
  return {
    ...device,
    group_id: groups.get(group),
    metadata: { sample: true },
    ...(owner === undefined ? {} : { owner_id: owners.get(owner) }),
  };
}

function ruleBody({ body, scope }: SampleRule, groups: ReadonlyMap<string, number>): object {
  return { ...body, scope: 'group' in scope ? { group_id: groups.get(scope.group) } : scope };
}
