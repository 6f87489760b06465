import type { Logger } from '#kernel/logger.ts';
import type { RuleStore } from '../rules/rules.ports.ts';
import type { DevicePlans } from './device-plans.ts';
import type { RuleIndex } from './rule-index.ts';

/** Keeps the rules that are judged by what they are in the store. */
export interface RuleFeed {
  /** Resolves when the rule is judged as it is stored now. Never rejects: what failed is made up for by `mend`. */
  reload(ruleId: number): Promise<void>;
  /** @throws AppError `unavailable` */
  reloadAll(): Promise<void>;
  /** After what was missed: reloads everything, if it was not possible before. */
  mend(): Promise<void>;
}

const PAGE = 1_000;

export function createRuleFeed({
  index,
  plans,
  rules,
  logger,
}: {
  readonly index: RuleIndex;
  readonly plans: DevicePlans;
  readonly rules: Pick<RuleStore, 'findById' | 'listEnabled'>;
  readonly logger: Logger;
}): RuleFeed {
  /** One after the other, so that an older answer never replaces a newer one. */
  let tail: Promise<unknown> = Promise.resolve();
  let incomplete = false;

  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = tail.then(work);
    tail = turn.catch(() => {});
    return turn;
  }

  async function readAll(): Promise<void> {
    const all = [];
    for (let afterId = 0; ; ) {
      const page = await rules.listEnabled(afterId, PAGE);
      all.push(...page);
      if (page.length < PAGE) break;
      afterId = page.at(-1)?.id ?? afterId;
    }
    index.replaceAll(all);
    plans.forgetAll();
    incomplete = false;
  }

  async function read(ruleId: number): Promise<void> {
    const rule = await rules.findById(ruleId);
    if (rule?.isEnabled === true) index.put(rule);
    else index.remove(ruleId);
    plans.forgetAll();
  }

  return {
    reload: (ruleId) =>
      inTurn(() => read(ruleId)).catch((error: unknown) => {
        incomplete = true;
        logger.warn({ err: error, rule_id: ruleId }, 'a changed alert rule could not be read; it is tried again');
      }),
    reloadAll: () => inTurn(readAll),
    async mend() {
      if (!incomplete) return;
      await inTurn(readAll);
    },
  };
}
