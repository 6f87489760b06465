import { type FieldError, isAppError } from '#kernel/errors.ts';
import { FileTrouble } from '#platform/sqlite/sqlite-errors.ts';

/** A start that cannot work for a reason the operator can mend. Its message is the one line that is shown. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StartError';
  }
}

/** The one line for an error at start, or null for a bug, whose stack is worth showing. */
export function startMessage(error: unknown): string | null {
  if (error instanceof StartError || (error instanceof Error && error.name === 'ConfigError')) return error.message;
  // What a client is told of a disk that is full says nothing of files; whoever starts the program has to know.
  if (isAppError(error)) {
    if (error.cause instanceof FileTrouble) return error.cause.message;
    const fields = (error.details?.['fields'] ?? []) as readonly FieldError[];
    return [error.message, ...fields.map(({ path, message }) => `${path.slice(1)} ${message}.`)].join(' ');
  }
  const { code, port, address, path } = error as { code?: string; port?: number; address?: string; path?: string };
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${address} is taken by another program; stop it or choose another port by HTTP_PORT or MQTT_PORT.`;
  if (code === 'EACCES' && port !== undefined) return `Port ${port} on ${address} may not be opened by this user.`;
  if (code === 'EADDRNOTAVAIL') return `${address} is not an address of this machine.`;
  if (code === 'ENOTFOUND') return `The host to listen on cannot be resolved: ${(error as Error).message}`;
  if ((code === 'ENOENT' || code === 'EACCES') && path !== undefined) return `${path} cannot be read (${code}).`;
  return null;
}
