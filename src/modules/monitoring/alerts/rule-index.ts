import { createMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DeviceFacts, DevicesApi } from '#modules/devices/index.ts';
import type { Sample } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule, RuleStore } from '../rules/rules.ports.ts';

/** Enabled rules by what they are about. */
export interface RuleIndex {
  isEmpty(): boolean;
  get(id: number): AlertRule | undefined;
  all(): Iterable<AlertRule>;
  /** Puts a rule in the place of what was known under its id. */
  put(rule: AlertRule): void;
  remove(id: number): void;
  replaceAll(rules: readonly AlertRule[]): void;
  /** Rules about a device, by id. */
  about(device: DeviceFacts): readonly AlertRule[];
}

export function createRuleIndex(): RuleIndex {
  const byId = new Map<number, AlertRule>();
  /** Scope as a key → ids. */
  const byScope = new Map<string, Set<number>>();

  function remove(id: number): void {
    const rule = byId.get(id);
    if (rule === undefined) return;
    byId.delete(id);
    const key = keyOf(rule);
    const ids = byScope.get(key);
    ids?.delete(id);
    if (ids?.size === 0) byScope.delete(key);
  }

  function put(rule: AlertRule): void {
    remove(rule.id);
    byId.set(rule.id, rule);
    const key = keyOf(rule);
    const ids = byScope.get(key);
    if (ids === undefined) byScope.set(key, new Set([rule.id]));
    else ids.add(rule.id);
  }

  return {
    isEmpty: () => byId.size === 0,
    get: (id) => byId.get(id),
    all: () => byId.values(),
    put,
    remove,
    replaceAll(rules) {
      byId.clear();
      byScope.clear();
      for (const rule of rules) put(rule);
    },
    about({ deviceId, groupId, deviceType }) {
      const keys = [
        `device ${deviceId}`,
        ...(groupId === null ? [] : [`group ${groupId}`]),
        `type ${deviceType}`,
        'all',
      ];
      const ids = keys.flatMap((key) => [...(byScope.get(key) ?? [])]).sort((a, b) => a - b);
      return ids.flatMap((id) => byId.get(id) ?? []);
    },
  };
}

function keyOf({ scope }: AlertRule): string {
  switch (scope.kind) {
    case 'device':
      return `device ${scope.deviceId}`;
    case 'group':
      return `group ${scope.groupId}`;
    case 'type':
      return `type ${scope.deviceType}`;
    default:
      return 'all';
  }
}

/** The rules of one device. */
export interface DevicePlan {
  readonly device: DeviceFacts;
  readonly rules: readonly AlertRule[];
  readonly metrics: readonly string[];
}

export interface DevicePlans {
  /** Whether the sample may matter. One look for a device without rules. */
  concerns(sample: Sample): boolean;
  /** The plans of those of the devices that exist; those that are known to have no rules may be left out. */
  resolve(deviceIds: readonly number[]): Promise<ReadonlyMap<number, DevicePlan>>;
  forget(deviceId: number): void;
  forgetAll(): void;
}

/** Which rules are about which device, found out when it is first heard from and kept until something changes. */
export function createDevicePlans(index: RuleIndex, devices: Pick<DevicesApi, 'describe'>): DevicePlans {
  /** Null: it has no rules. */
  const plans = new Map<number, DevicePlan | null>();
  let epoch = 0;

  return {
    concerns({ deviceId, metrics }) {
      if (index.isEmpty()) return false;
      const plan = plans.get(deviceId);
      if (plan === null) return false;
      if (plan === undefined) return true;
      for (const metric of plan.metrics) if (metrics[metric] !== undefined) return true;
      return false;
    },
    async resolve(deviceIds) {
      const found = new Map<number, DevicePlan>();
      const unknown: number[] = [];
      for (const deviceId of deviceIds) {
        const plan = plans.get(deviceId);
        if (plan === undefined) unknown.push(deviceId);
        else if (plan !== null) found.set(deviceId, plan);
      }
      if (unknown.length === 0) return found;
      const began = epoch;
      const described = new Map((await devices.describe(unknown)).map((device) => [device.deviceId, device]));
      for (const deviceId of unknown) {
        const device = described.get(deviceId);
        const plan = device === undefined ? null : planOf(device, index);
        if (plan !== null) found.set(deviceId, plan);
        // What changed meanwhile may not be in it.
        if (began === epoch) plans.set(deviceId, plan === null || plan.rules.length === 0 ? null : plan);
      }
      return found;
    },
    forget(deviceId) {
      epoch += 1;
      plans.delete(deviceId);
    },
    forgetAll() {
      epoch += 1;
      plans.clear();
    },
  };
}

function planOf(device: DeviceFacts, index: RuleIndex): DevicePlan {
  const rules = index.about(device);
  return { device, rules, metrics: [...new Set(rules.map(({ metric }) => metric).filter((metric) => metric !== ''))] };
}

/** Keeps the rules that are judged by what they are in the store. */
export interface RuleFeed {
  /** Resolves when the rule is judged as it is stored now, or it is certain that it will be soon. Never rejects. */
  reload(ruleId: number): Promise<void>;
  /** @throws AppError `unavailable` */
  reloadAll(): Promise<void>;
  /** Reloads everything, again and again until that is possible. Resolves after the first try. Never rejects. */
  mend(): Promise<void>;
  /** No more tries. */
  stop(): void;
}

const RETRY_MS = 1_000;
const PAGE = 1_000;

export function createRuleFeed({
  index,
  plans,
  rules,
  logger,
}: {
  readonly index: RuleIndex;
  readonly plans: DevicePlans;
  readonly rules: Pick<RuleStore, 'findById' | 'listActive'>;
  readonly logger: Logger;
}): RuleFeed {
  /** One after the other, so that an older answer never replaces a newer one. */
  const inTurn = createMutex();
  let stopped = false;
  let retry: NodeJS.Timeout | undefined;

  async function readAll(): Promise<void> {
    const all = [];
    for (let afterId = 0; ; ) {
      const page = await rules.listActive(afterId, PAGE);
      all.push(...page);
      if (page.length < PAGE) break;
      afterId = page.at(-1)?.id ?? afterId;
    }
    index.replaceAll(all);
    plans.forgetAll();
  }

  async function read(ruleId: number): Promise<void> {
    const rule = await rules.findById(ruleId);
    const before = index.get(ruleId);
    if (rule?.isEnabled === true && rule.activatedAt !== null) index.put(rule);
    else index.remove(ruleId);
    forgetPlans([before, index.get(ruleId)]);
  }

  /** Rules for one device each are what anybody may change, as often as they like: they cost the others nothing. */
  function forgetPlans(changed: readonly (AlertRule | undefined)[]): void {
    const scopes = changed.flatMap((rule) => rule?.scope ?? []);
    if (scopes.some(({ kind }) => kind !== 'device')) plans.forgetAll();
    else for (const scope of scopes) if (scope.kind === 'device') plans.forget(scope.deviceId);
  }

  async function mend(): Promise<void> {
    if (retry !== undefined || stopped) return;
    await inTurn(readAll).catch((error: unknown) => {
      logger.warn({ err: error }, 'alert rules could not be read; it is tried again');
      if (stopped) return;
      retry = setTimeout(() => {
        retry = undefined;
        void mend();
      }, RETRY_MS).unref();
    });
  }

  return {
    reload: (ruleId) =>
      inTurn(() => read(ruleId)).catch((error: unknown) => {
        logger.warn({ err: error, rule_id: ruleId }, 'a changed alert rule could not be read; it is tried again');
        void mend();
      }),
    reloadAll: () => inTurn(readAll),
    mend,
    stop() {
      stopped = true;
      clearTimeout(retry);
    },
  };
}
