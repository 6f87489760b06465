import { jsonFlaw, jsonFlawMessage } from '#kernel/json-flaw.ts';
import { commandErrors } from './commands.errors.ts';

const LIMITS = { bytes: 32 * 1024, depth: 16 };

/** @throws AppError `command_params_invalid`: too large as JSON, too deep, or with a key `__proto__` */
export function checkParams(params: Readonly<Record<string, unknown>>): void {
  const flaw = jsonFlaw(params, LIMITS);
  if (flaw === null) return;
  const field = { path: `/params${flaw.path}`, message: jsonFlawMessage(flaw.kind, LIMITS) };
  throw commandErrors.command_params_invalid({ details: { fields: [field] } });
}
