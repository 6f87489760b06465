import { enableCompileCache } from 'node:module';

// Keeps compiled code between starts: the second start is faster, and type stripping costs no memory.
// Everything else is imported after this line so that it profits.
enableCompileCache();

const { runServer } = await import('./run-server.ts');
await runServer();
