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

/** What to tell a person: the API says it in words. */
export function problemText(error: unknown): string {
  if (isProblem(error)) {
    const fields = error.errors?.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
    return fields || error.detail || error.title;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Problems about one field that are no invalid input. */
const FIELD_OF: Readonly<Record<string, string>> = {
  email_taken: 'email',
  device_uid_taken: 'device_uid',
  device_group_name_taken: 'name',
};

/** Messages by field, for a form: `/metadata/zone` → `metadata.zone`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!isProblem(error)) return {};
  const field = FIELD_OF[error.code];
  if (field !== undefined) return { [field]: error.detail ?? error.title };
  return Object.fromEntries(
    (error.errors ?? []).map(({ path, message }) => [path.replace(/^\/(body\/)?/, '').replaceAll('/', '.'), message]),
  );
}
