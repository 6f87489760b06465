import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule, RuleStore } from '../rules/rules.ports.ts';
import type { MonitoringStore } from './alerts.ports.ts';
import type { Baseline, StateStore } from './evaluation.ports.ts';
import type { Evaluation } from './evaluation.service.ts';
import { toDeviceScope } from './silence.ts';

export interface ActivationDeps {
  readonly rules: Pick<RuleStore, 'findById' | 'idsToActivate'>;
  readonly store: Pick<MonitoringStore, 'transaction'>;
  readonly states: Pick<StateStore, 'begin'>;
  readonly devices: Pick<DevicesApi, 'listInScope'>;
  readonly telemetry: Pick<TelemetryStore, 'latest'>;
  readonly evaluation: Pick<Evaluation, 'begin'>;
  /** Resolves when this process judges by the rule as it is stored. */
  readonly reload: (ruleId: number) => Promise<void>;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
}

/**
 * Lets rules judge. First it is noted where each of their devices stands, in the store; so a sample that is newer
 * than that is known to have come later, whatever its time stamp, by any process and after any crash.
 */
export interface Activation {
  /** Resolves when the rule judges; at once when there is nothing to do. Never rejects: `activateRest` goes on with it. */
  activate(ruleId: number): Promise<void>;
  /** Those that a process which died, or a store that was away, left behind. */
  activateRest(): Promise<void>;
}

const PAGE = 200;
const READ_AT_ONCE = 16;
const RULES_AT_ONCE = 20;

export function createActivation(deps: ActivationDeps): Activation {
  const { rules, store, states, devices, telemetry, evaluation, reload, runtime } = deps;
  const { clock, logger } = runtime;

  async function eachPage(rule: AlertRule, work: (deviceIds: readonly number[]) => Promise<void> | void) {
    for (let afterId = 0; ; ) {
      const page = await devices.listInScope(toDeviceScope(rule.scope), afterId, PAGE);
      const ids = page.map(({ deviceId }) => deviceId);
      if (ids.length > 0) await work(ids);
      if (ids.length < PAGE) return;
      afterId = ids.at(-1) ?? afterId;
    }
  }

  async function baselinesOf({ metric }: AlertRule, deviceIds: readonly number[]): Promise<readonly Baseline[]> {
    if (metric === '') return deviceIds.map((deviceId) => ({ deviceId, baseline: 0 }));
    const found: Baseline[] = [];
    for (let at = 0; at < deviceIds.length; at += READ_AT_ONCE) {
      const some = deviceIds.slice(at, at + READ_AT_ONCE);
      const latest = await Promise.all(some.map((deviceId) => telemetry.latest(deviceId)));
      for (const [index, deviceId] of some.entries()) {
        const values = latest[index] ?? {};
        found.push({ deviceId, baseline: Object.hasOwn(values, metric) ? (values[metric]?.timestamp ?? 0) : 0 });
      }
    }
    return found;
  }

  async function activate(ruleId: number): Promise<void> {
    const rule = await rules.findById(ruleId);
    if (rule === null || !rule.isEnabled || rule.activatedAt !== null) return;
    await eachPage(rule, async (ids) => states.begin(rule, await baselinesOf(rule, ids), clock.now()));
    await store.transaction(({ rules: writer }) => writer.activate(rule.id, rule.revision, clock.now()));
    await reload(rule.id);
    // What came since the baselines were read.
    await eachPage(rule, (ids) => evaluation.begin(ids));
  }

  async function guarded(ruleId: number): Promise<void> {
    try {
      await activate(ruleId);
    } catch (error) {
      logger.warn({ err: error, rule_id: ruleId }, 'an alert rule cannot judge yet; it is tried again');
    }
  }

  return {
    activate: guarded,
    async activateRest() {
      for (const ruleId of await rules.idsToActivate(RULES_AT_ONCE)) await guarded(ruleId);
    },
  };
}
