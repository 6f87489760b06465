import type { HealthCheck, HealthChecks, PartCheck } from './module.port.ts';

export function createHealthChecks(): HealthChecks {
  const checks = new Map<string, PartCheck>();
  return {
    add: (part, check) => void checks.set(part, check),
    ready() {
      const ready: Record<string, () => Promise<void>> = {};
      for (const [part, check] of checks) if (check.ready !== undefined) ready[part] = check.ready;
      return ready;
    },
    all() {
      const all: Record<string, HealthCheck> = {};
      for (const [part, check] of checks) {
        const ask = check.health ?? check.ready;
        if (ask !== undefined) all[part] = ask;
      }
      return all;
    },
  };
}
