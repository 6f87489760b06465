import { noTracing } from './no-tracing.ts';
import { tracingContract } from './tracing.contract.ts';

tracingContract('none', async () => ({ tracing: noTracing, close: async () => {} }));
