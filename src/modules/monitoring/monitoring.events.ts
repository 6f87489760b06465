import type { Alert } from './alerts/alerts.ports.ts';

/** The alert as it is after what happened. */
export interface AlertChanged {
  readonly alert: Alert;
}

/** After the commit, in the process that did it. */
declare module '#kernel/events.ts' {
  interface EventMap {
    /** Made, changed, switched on or off, or deleted: whoever judges has to look at it again. */
    'alert_rule.changed': { readonly rule_id: number };
    'alert.raised': AlertChanged;
    'alert.cleared': AlertChanged;
    'alert.acknowledged': AlertChanged;
    /** Somebody takes care of it, or nobody any more. */
    'alert.assigned': AlertChanged;
    'alert.commented': AlertChanged;
  }
}
