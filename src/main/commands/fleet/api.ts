import { StartError } from '../../start-error.ts';

export interface ApiAccess {
  /** `http://127.0.0.1:8000` */
  readonly baseUrl: string;
  readonly email: string;
  readonly password: string;
}

/** The public API as one person, signed in again when the token has ended. */
export interface Api {
  /**
   * @param path behind `/api/v1`
   * @param body JSON, or bytes as they are
   * @throws StartError with what the API answered
   */
  call<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object | Uint8Array<ArrayBuffer>): Promise<T>;
}

/** @throws StartError with what the API answered */
export async function signIn({ baseUrl, email, password }: ApiAccess): Promise<Api> {
  const send = (method: string, path: string, token: string | null, body: object | undefined): Promise<Response> =>
    fetch(new URL(`/api/v1${path}`, baseUrl), {
      method,
      headers: {
        ...(body === undefined
          ? {}
          : { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new StartError(
        `${baseUrl} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`,
      );
    });
  const login = async (): Promise<string> => {
    const answer = await send('POST', '/auth/login', null, { email, password });
    return (await contentOf<{ access_token: string }>(answer, '/auth/login')).access_token;
  };

  let token = await login();
  return {
    async call(method, path, body) {
      let answer = await send(method, path, token, body);
      if (answer.status === 401) {
        token = await login();
        answer = await send(method, path, token, body);
      }
      return await contentOf(answer, path);
    },
  };
}

async function contentOf<T>(response: Response, path: string): Promise<T> {
  const answer = (await response.json().catch(() => ({}))) as T & { detail?: string };
  if (!response.ok) throw new StartError(`${path} answered ${response.status}: ${answer.detail ?? 'no detail'}`);
  return answer;
}
