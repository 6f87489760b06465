/** What follows from PUBLIC_URL: `https://example.com/iot` is reached by TLS, and its pages are below `/iot`. */
export interface PublicAddress {
  /** Without a slash at the end; empty at the root of a host. The proxy takes it away before it asks here. */
  readonly basePath: string;
  readonly isTls: boolean;
}

export function publicAddress(publicUrl: string | null): PublicAddress {
  if (publicUrl === null) return { basePath: '', isTls: false };
  const { pathname, protocol } = new URL(publicUrl);
  return { basePath: pathname.replace(/\/+$/, ''), isTls: protocol === 'https:' };
}
