import { createId } from '#kernel/ids.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { jobProcessesContract } from '../jobs.processes.contract.ts';

await describeWithServer('redis', (server) => {
  jobProcessesContract('BullMQ', () => ({ adapter: 'bullmq', address: server.url, prefix: `test:${createId()}:` }));
});
