import { createMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { AlertRule, RuleStore } from '../rules/rules.ports.ts';
import type { DevicePlans } from './device-plans.ts';
import type { RuleIndex } from './rule-index.ts';

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
