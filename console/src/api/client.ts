import createFetchClient from 'openapi-fetch';
import createQueryClient from 'openapi-react-query';
import { BASE } from '#console/app/base.ts';
import { accessToken, refresh } from '#console/session/session.ts';
import { setReachable } from './reachable.ts';
import type { paths } from './schema.d.ts';

function withToken(request: Request, token: string | null): Request {
  const copy = new Request(request);
  if (token !== null) copy.headers.set('authorization', `Bearer ${token}`);
  return copy;
}

/** A proxy answers for a server that is away, and not in JSON. */
function isOurs({ status, headers }: Response): boolean {
  return ![502, 503, 504].includes(status) || (headers.get('content-type') ?? '').includes('json');
}

/** One request as the signed-in user. An access token that has expired is renewed, and the request made again, once. */
async function authorisedFetch(request: Request): Promise<Response> {
  const again = request.clone();
  try {
    let response = await fetch(withToken(request, accessToken()));
    if (response.status === 401 && accessToken() !== null) {
      const token = await refresh();
      if (token !== null) response = await fetch(withToken(again, token));
    }
    setReachable(isOurs(response));
    return response;
  } catch (error) {
    if (!request.signal.aborted) setReachable(false);
    throw error;
  }
}

/** Calls: `await client.POST('/api/v1/devices', { body })` → `{ data, error }`. */
export const client = createFetchClient<paths>({
  baseUrl: `${location.origin}${BASE}`,
  fetch: authorisedFetch,
  // Lists of values as the API takes them: status=ONLINE,ERROR.
  querySerializer: { array: { style: 'form', explode: false } },
});

/** Hooks: `api.useQuery('get', '/api/v1/devices', { params: { query } })`. */
export const api = createQueryClient(client);
