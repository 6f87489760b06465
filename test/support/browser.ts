/** A browser as far as signing in needs one: keeps cookies by path, follows redirects and sends forms. */
export interface Browser {
  get(url: string): Promise<Page>;
  post(url: string, form: Readonly<Record<string, string>>): Promise<Page>;
}

export interface Page {
  /** Where it ended: what answered something else than a redirect, or the first address that `stopsAt` names. */
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

const MAX_REDIRECTS = 20;

/** @param stopsAt addresses that are not asked, such as those of a server that is only pretended */
export function createBrowser(stopsAt: (url: URL) => boolean = () => false): Browser {
  const cookies: { readonly host: string; readonly path: string; readonly name: string; readonly value: string }[] = [];

  function cookiesFor({ host, pathname }: URL): string {
    return cookies
      .filter((cookie) => cookie.host === host && pathname.startsWith(cookie.path) && cookie.value !== '')
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  function keep({ host }: URL, header: string): void {
    const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice('path='.length) ?? '/';
    const old = cookies.findIndex((cookie) => cookie.host === host && cookie.path === path && cookie.name === name);
    if (old !== -1) cookies.splice(old, 1);
    cookies.push({ host, path, name, value });
  }

  async function load(start: URL, init: RequestInit): Promise<Page> {
    let url = start;
    let request = init;
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
      if (stopsAt(url)) return { url, status: 0, text: '' };
      const cookie = cookiesFor(url);
      const headers = { ...(request.headers as Record<string, string>), ...(cookie === '' ? {} : { cookie }) };
      const response = await fetch(url, { ...request, headers, redirect: 'manual' });
      for (const header of response.headers.getSetCookie()) keep(url, header);
      const text = await response.text();
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) {
        return { url, status: response.status, text };
      }
      url = new URL(location, url);
      request = { method: 'GET' };
    }
    throw new Error(`${start.href} redirects for ever`);
  }

  return {
    get: (url) => load(new URL(url), { method: 'GET' }),
    post: (url, form) =>
      load(new URL(url), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
      }),
  };
}
