import { Type } from 'typebox';
import { Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';

export const HealthView = Strict('SystemHealth', {
  status: Type.Enum(['ok', 'degraded'], { description: 'degraded: a component is away', examples: ['ok'] }),
  checked_at: { ...Instant, description: 'When they were asked' },
  components: Type.Array(
    Strict('ComponentHealth', {
      component: Type.String({ description: 'Part of the system', examples: ['sql'] }),
      status: Type.Enum(['ok', 'away'], { description: 'Whether it works', examples: ['ok'] }),
      latency_ms: Type.Number({ description: 'How long it took to answer, or to be given up', examples: [0.42] }),
      detail: Nullable(Type.String({ description: 'What there is to say beyond that', examples: ['12 items wait.'] })),
    }),
    { description: 'Every part that this process uses' },
  ),
});
