import type { DeviceFacts } from '#modules/devices/index.ts';
import type { AlertRule } from '../rules/rules.ports.ts';

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
