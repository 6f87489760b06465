import type { Span, Tracing } from './tracing.port.ts';

const noSpan: Span = { child: () => noSpan, set: () => {}, end: () => {} };

/** Records nothing. */
export const noTracing: Tracing = {
  name: 'tracing',
  samples: () => false,
  begin: () => noSpan,
  continue: () => null,
};
