import { MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import { x509Errors } from '#platform/x509/x509.port.ts';
import { certificateErrors } from '../certificates/certificates.errors.ts';
import { issuingErrors } from '../certificates/issuing.errors.ts';
import { deviceErrors } from '../devices.errors.ts';
import { claimErrors } from './claims.errors.ts';
import {
  AttemptPage,
  AttemptQuery,
  type BrokerFacts,
  ClaimBody,
  ClaimPage,
  ClaimParams,
  ClaimQuery,
  ClaimView,
  CreatedClaimView,
  IdempotencyHeaders,
  ProvisionBody,
  ProvisionedView,
  presentAttempt,
  presentClaim,
  presentProvisioned,
  toClaim,
  toClaimFilter,
  toRequest,
} from './claims.schemas.ts';
import type { ClaimsService } from './claims.service.ts';

const tags = ['provisioning'];
const { claim_not_found, claim_invalid, ...ofRequests } = claimErrors;

/** `/api/v1/provisioning/claims` */
export function createClaimRoutes(claims: ClaimsService): HttpRoutes {
  return (app) => {
    app.post(
      '/',
      {
        config: { access: MANAGEMENT, problems: [claim_invalid] },
        schema: {
          tags,
          operationId: 'createClaim',
          summary: 'Let devices register themselves',
          description: 'Only this answer shows the token.',
          body: ClaimBody,
          response: { 201: CreatedClaimView },
        },
      },
      async (request, reply) => {
        const { claim, token } = await claims.create(principalOf(request), toClaim(request.body));
        return reply.code(201).send({ ...presentClaim(claim), token });
      },
    );

    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listClaims',
          summary: 'List claims',
          description: 'Newest first unless sorted. `q` looks into the name.',
          querystring: ClaimQuery,
          response: { 200: ClaimPage },
        },
      },
      async (request) => {
        const found = await claims.list(toClaimFilter(request.query), request.query);
        return { ...found, items: found.items.map(presentClaim) };
      },
    );

    app.get(
      '/:claim_id',
      {
        config: { access: MANAGEMENT, problems: [claim_not_found] },
        schema: {
          tags,
          operationId: 'getClaim',
          summary: 'Show a claim',
          description: 'Without its token, which is kept as a hash only.',
          params: ClaimParams,
          response: { 200: ClaimView },
        },
      },
      async (request) => presentClaim(await claims.get(request.params.claim_id)),
    );

    app.post(
      '/:claim_id/revoke',
      {
        config: { access: MANAGEMENT, problems: [claim_not_found] },
        schema: {
          tags,
          operationId: 'revokeClaim',
          summary: 'Revoke a claim',
          description: 'It makes no device from now on. Those that it has made stay.',
          params: ClaimParams,
          response: { 200: ClaimView },
        },
      },
      async (request) => presentClaim(await claims.revoke(principalOf(request), request.params.claim_id)),
    );

    app.get(
      '/:claim_id/attempts',
      {
        config: { access: MANAGEMENT, problems: [claim_not_found] },
        schema: {
          tags,
          operationId: 'listClaimAttempts',
          summary: 'List who has tried a claim',
          description: 'How far each came, and why no further; the last 1,000. `q` looks into device_uid and error.',
          params: ClaimParams,
          querystring: AttemptQuery,
          response: { 200: AttemptPage },
        },
      },
      async (request) => {
        const { step, q } = request.query;
        const found = await claims.listAttempts(request.params.claim_id, defined({ step, q }), request.query);
        return { ...found, items: found.items.map(presentAttempt) };
      },
    );
  };
}

/** `/api/v1/provision`: for devices that are not registered yet. */
export function createProvisionRoutes(claims: ClaimsService, broker: BrokerFacts): HttpRoutes {
  return (app) => {
    app.post(
      '/provision',
      {
        config: {
          access: 'public',
          problems: [
            ...Object.values(ofRequests),
            ...[deviceErrors.device_uid_taken, deviceErrors.device_metadata_invalid, commonErrors.rate_limited],
            ...[deviceErrors.device_group_unknown, deviceErrors.device_owner_unknown],
            ...[x509Errors.csr_unreadable, x509Errors.csr_signature_invalid, x509Errors.csr_key_refused],
            ...[issuingErrors.csr_name_refused, issuingErrors.certificate_limit_reached],
            certificateErrors.certificate_device_unknown,
          ],
        },
        schema: {
          tags,
          operationId: 'provisionDevice',
          summary: 'Register this device with the token of a claim',
          description:
            'Answers the credentials, once. A device_uid that exists is refused, never taken over. 60 tries a minute of one address, 600 of one claim.',
          headers: IdempotencyHeaders,
          body: ProvisionBody,
          response: { 201: ProvisionedView },
        },
      },
      async (request, reply) => {
        const key = request.headers['idempotency-key'] ?? null;
        const provisioned = await claims.provision(toRequest(request.body), key, originOf(request));
        return reply.code(201).send(presentProvisioned(provisioned, broker));
      },
    );
  };
}
