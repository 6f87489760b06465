import { Compile } from 'typebox/compile';
import { acceptJson } from '#kernel/accept-json.ts';
import { type AppError, commonErrors, isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { fieldsOf } from '#kernel/validation-messages.ts';
import type { AuditOrigin } from '#platform/audit/audit.port.ts';
import { type BrokerFacts, ProvisionMessage, presentProvisioned, toRequest } from './claims.schemas.ts';
import type { ClaimsService } from './claims.service.ts';

const schema = Compile(ProvisionMessage);
/** So many mistakes are told at once. */
const MOST_ERRORS = 20;

/** `provision/request` → `provision/response`, of a connection that has shown a token. */
export function createProvisionMqtt(claims: Pick<ClaimsService, 'provision'>, broker: BrokerFacts, logger: Logger) {
  /** @param payload null: too large. @returns the answer, also of a refusal; never rejects */
  return async (token: string, payload: Uint8Array | null, origin: AuditOrigin): Promise<string> => {
    let ofRequest: { readonly request_id?: string } = {};
    try {
      const message = parse(payload);
      ofRequest = requestIdIn(message);
      if (!schema.Check(message)) throw invalidInput(message);
      const { request_id: _, idempotency_key: key = null, ...body } = message;
      const provisioned = await claims.provision(toRequest({ ...body, token }), key, origin);
      return JSON.stringify({ ok: true, ...ofRequest, ...presentProvisioned(provisioned, broker) });
    } catch (error) {
      if (!isAppError(error)) logger.error({ err: error }, 'unexpected error in a request of a claim');
      return JSON.stringify({ ok: false, ...ofRequest, ...presentError(isAppError(error) ? error : BUG) });
    }
  };
}

const BUG = commonErrors.internal_error();

function parse(payload: Uint8Array | null): unknown {
  if (payload === null) throw commonErrors.body_too_large();
  const accepted = acceptJson(Buffer.from(payload));
  if (accepted.flaw === null) return accepted.value;
  const { what, path, message } = accepted.flaw;
  if (what === 'syntax' || what === 'utf8') throw commonErrors.malformed_json({ detail: `The payload ${message}.` });
  throw commonErrors.invalid_input({ details: { fields: [{ path: path || '/', message }] } });
}

/** Also of a message that is not accepted otherwise. */
function requestIdIn(message: unknown): { readonly request_id?: string } {
  const { request_id } = Object(message) as { readonly request_id?: unknown };
  return typeof request_id === 'string' && request_id.length <= 255 ? { request_id } : {};
}

function invalidInput(message: unknown): AppError {
  const found = fieldsOf(ProvisionMessage, schema.Errors(message), message).slice(0, MOST_ERRORS);
  return commonErrors.invalid_input({
    details: { fields: found.map(({ path, message: said }) => ({ path, message: said })) },
  });
}

function presentError({ code, message, details: { fields, retryAfterSeconds } }: AppError) {
  return {
    code,
    detail: message,
    ...(fields === undefined ? {} : { errors: fields }),
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: Math.ceil(retryAfterSeconds) }),
  };
}
