import { silentLogger } from '#kernel/logger.ts';
import { createLocalRelay, type LocalMedium } from './local-relay.ts';
import { relayContract } from './relay.contract.ts';

relayContract(
  'local',
  async () => {
    const medium: LocalMedium = new Set();
    return { create: () => createLocalRelay({ logger: silentLogger, medium }) };
  },
  { interruptible: false },
);
