// What `npm start` runs: the server from its bundle, or from its sources when they are newer or nobody made one.
import { freshBundle } from './bundle.js';

await import(freshBundle() ?? './server.ts');
