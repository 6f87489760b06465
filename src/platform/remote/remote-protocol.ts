import type { ErrorDetails, ErrorKind } from '#kernel/errors.ts';

/** Names of methods that take and return what JSON can say. */
export type ApiMethods<Api extends object> = readonly (keyof Api & string)[];

/** Body of `POST /internal/{name}/{method}` is `{args}`; the answer is 200 with this. */
export type RemoteAnswer =
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly kind: ErrorKind;
        readonly code: string;
        readonly message: string;
        readonly details: ErrorDetails;
      };
    };

export const SECRET_HEADER = 'x-internal-secret';

export function prefixOf(name: string): string {
  return `/internal/${name}`;
}
