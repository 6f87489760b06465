import { join } from 'node:path';
import { jobProcessesContract } from '../jobs.processes.contract.ts';

jobProcessesContract('SQLite', (folder) => ({ adapter: 'sqlite', address: join(folder, 'jobs.db'), prefix: '' }));
