import { commandErrors } from './commands.errors.ts';

const MAX_BYTES = 32 * 1024;
/** `{"a": 1}` has depth 1. */
const MAX_DEPTH = 16;

/** @throws AppError `command_params_invalid`: too large as JSON, too deep, or with a key `__proto__` */
export function checkParams(params: Readonly<Record<string, unknown>>): void {
  checkDepth(params, 1, '/params');
  if (Buffer.byteLength(JSON.stringify(params)) > MAX_BYTES) {
    throw invalid('/params', `must be at most ${MAX_BYTES} bytes as JSON`);
  }
}

function checkDepth(value: unknown, depth: number, path: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) throw invalid('/params', `must not be nested deeper than ${MAX_DEPTH} levels`);
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') throw invalid(path, 'must not have a key __proto__');
    checkDepth(child, depth + 1, `${path}/${key}`);
  }
}

function invalid(path: string, message: string) {
  return commandErrors.command_params_invalid({ details: { fields: [{ path, message }] } });
}
