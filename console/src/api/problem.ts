import { fieldText, namedFieldText, problemWords } from '#console/i18n/api-words.ts';

/** An RFC 9457 problem, as every error of the API is one. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly code: string;
  readonly request_id?: string;
  /** Of `second_factor_required`. */
  readonly ticket?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'status' in error;
}

/** What to tell a person, in the language of the page, and what there is to say beyond that: fields, figures. */
export function problemParts(error: unknown): readonly [text: string, more: string | null] {
  if (!isProblem(error)) return [error instanceof Error ? error.message : String(error), null];
  const [text, more] = problemWords(error.code, error.detail ?? error.title);
  const fields = error.errors?.map(({ path, message }) => namedFieldText(fieldOf(path), message)).join('; ');
  return [text, fields || more];
}

/** The same in one line. */
export function problemText(error: unknown): string {
  return problemParts(error)
    .filter((part) => part !== null)
    .join(' ');
}

/** Problems about one field that are no invalid input. */
const FIELD_OF: Readonly<Record<string, string>> = {
  email_taken: 'email',
  device_uid_taken: 'device_uid',
  device_group_name_taken: 'name',
};

/** Of the field that a form has: `/body/metadata/zone` → `metadata.zone`. */
const fieldOf = (path: string): string => path.replace(/^\/((body|query|params)\/)?/, '').replaceAll('/', '.');

/** Messages by field, for a form. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!isProblem(error)) return {};
  const field = FIELD_OF[error.code];
  if (field !== undefined) return { [field]: problemText(error) };
  return Object.fromEntries((error.errors ?? []).map(({ path, message }) => [fieldOf(path), fieldText(message)]));
}
