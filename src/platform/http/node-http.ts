/**
 * `node:http` as `require` gives it. An `import` reads every export, and with `WebSocket` that loads the browser's
 * network classes: about 10 MB of memory that nothing here uses.
 */
export const nodeHttp = process.getBuiltinModule('node:http');
