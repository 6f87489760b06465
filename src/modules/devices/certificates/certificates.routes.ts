import { Type } from 'typebox';
import { MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { x509Errors } from '#platform/x509/x509.port.ts';
import { authorityErrors } from './authorities.errors.ts';
import type { AuthoritiesService } from './authorities.service.ts';
import {
  AuthorityBody,
  AuthorityPage,
  AuthorityParams,
  AuthorityQuery,
  AuthorityView,
  CertificatePage,
  CertificateQuery,
  CertificateView,
  CodeView,
  presentAuthority,
  presentCertificate,
  RevocationBody,
  toAuthority,
  toFilter,
} from './certificates.schemas.ts';

const tags = ['provisioning'];
const { ca_is_own, ca_not_found, ca_registered, ca_limit_reached, ca_invalid, ca_proof_invalid } = authorityErrors;

/** `/api/v1/provisioning/cas` */
export function createAuthorityRoutes(authorities: AuthoritiesService): HttpRoutes {
  return (app) => {
    app.post(
      '/registration-code',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'createCaRegistrationCode',
          summary: 'Begin the registration of a certificate authority',
          description:
            'A code for one registration within 24 hours. Sign a certificate with it as the common name: that proves that ' +
            'you have the key of the authority.',
          response: { 201: CodeView },
        },
      },
      async (request, reply) => {
        const { code, expiresAt } = await authorities.createCode(principalOf(request));
        return reply.code(201).send({ code, expires_at: toIso(expiresAt) });
      },
    );

    app.post(
      '/',
      {
        config: {
          access: MANAGEMENT,
          problems: [x509Errors.certificate_unreadable, ca_registered, ca_limit_reached, ca_invalid, ca_proof_invalid],
        },
        schema: {
          tags,
          operationId: 'registerCa',
          summary: 'Register a certificate authority',
          description:
            'From then on devices log in by MQTT over TLS with certificates that it has issued, if MQTT_TLS_CLIENT_CERTS is ' +
            'not off. It is the authority that signs them directly: a chain is not followed.',
          body: AuthorityBody,
          response: { 201: AuthorityView },
        },
      },
      async (request, reply) =>
        reply
          .code(201)
          .send(presentAuthority(await authorities.register(principalOf(request), toAuthority(request.body)))),
    );

    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listCas',
          summary: 'List certificate authorities',
          description: 'By name unless sorted. `q` looks into name and subject.',
          querystring: AuthorityQuery,
          response: { 200: AuthorityPage },
        },
      },
      async (request) => {
        const found = await authorities.list(request.query);
        return { ...found, items: found.items.map(presentAuthority) };
      },
    );

    app.get(
      '/:ca_id',
      {
        config: { access: MANAGEMENT, problems: [ca_not_found] },
        schema: {
          tags,
          operationId: 'getCa',
          summary: 'Show a certificate authority',
          description: 'With its certificate.',
          params: AuthorityParams,
          response: { 200: AuthorityView },
        },
      },
      async (request) => presentAuthority(await authorities.get(request.params.ca_id)),
    );

    app.delete(
      '/:ca_id',
      {
        config: { access: MANAGEMENT, problems: [ca_not_found, ca_is_own] },
        schema: {
          tags,
          operationId: 'removeCa',
          summary: 'Remove a certificate authority',
          description:
            'Its certificates count no more, and connections that were made with them end. What was revoked stays revoked, ' +
            'should it be registered again.',
          params: AuthorityParams,
          response: { 204: Type.Null({ description: 'Removed' }) },
        },
      },
      async (request, reply) => {
        await authorities.remove(principalOf(request), request.params.ca_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/:ca_id/revocations',
      {
        config: { access: MANAGEMENT, problems: [ca_not_found] },
        schema: {
          tags,
          operationId: 'revokeCertificate',
          summary: 'Revoke a certificate',
          description:
            'By its serial number, whether or not it has been shown yet. A connection that was made with it ends at once. ' +
            'Nothing makes it valid again.',
          params: AuthorityParams,
          body: RevocationBody,
          response: { 201: CertificateView },
        },
      },
      async (request, reply) => {
        const { serial, reason = 'revoked' } = request.body;
        const revoked = await authorities.revoke(principalOf(request), request.params.ca_id, { serial, reason });
        return reply.code(201).send(presentCertificate(revoked));
      },
    );
  };
}

/** `/api/v1/provisioning/certificates` */
export function createCertificateRoutes(authorities: AuthoritiesService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listCertificates',
          summary: 'List the certificates of devices',
          description:
            'Those that were shown, issued here or revoked; the newest first unless sorted. `q` looks into uid, serial ' +
            'number and issuer. One is kept for 90 days after its end.',
          querystring: CertificateQuery,
          response: { 200: CertificatePage },
        },
      },
      async (request) => {
        const filter = toFilter(request.query);
        const found = await authorities.listCertificates({ ...request.query, filter });
        return { ...found, items: found.items.map(presentCertificate) };
      },
    );
  };
}
