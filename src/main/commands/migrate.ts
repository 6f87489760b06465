import { type Command, print } from './command.ts';
import { withRelationalStore } from './relational.ts';

export const migrate: Command = {
  usage: '',
  summary: 'Brings the relational schema up to date. The server does the same when it starts.',
  async run(_args, settings) {
    const migrated = await withRelationalStore(settings, async (context) => context.migrated);
    if (migrated.length === 0) print('The schema is up to date.');
    else print(...migrated.map((name) => `migrated ${name}`));
  },
};
