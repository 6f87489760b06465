import type { Settings } from './settings.ts';

/** Where browsers reach this system. There before the server is, which says where it listens. */
export interface PublicUrl {
  /** Without a slash at the end. */
  read(): string;
  /** @param port that the server listens on, which HTTP_PORT=0 leaves to the machine */
  listening(port: number): void;
}

export function createPublicUrl(settings: Settings): PublicUrl {
  let port = settings.HTTP_PORT;
  return {
    read: () => publicUrlOf(settings, port),
    listening(actual) {
      port = actual;
    },
  };
}

/**
 * Where browsers reach this system, without a slash at the end.
 * @param port that the server listens on
 */
export function publicUrlOf({ PUBLIC_URL, HTTP_HOST }: Settings, port: number): string {
  if (PUBLIC_URL !== null) return PUBLIC_URL;
  const host = /^(0\.0\.0\.0|::)$/.test(HTTP_HOST) ? '127.0.0.1' : HTTP_HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
