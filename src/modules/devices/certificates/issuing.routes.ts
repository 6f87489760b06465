import { deviceOf, type HttpRoutes, originOf } from '#platform/http/http.port.ts';
import { x509Errors } from '#platform/x509/x509.port.ts';
import { certificateErrors } from './certificates.errors.ts';
import { issuingErrors } from './issuing.errors.ts';
import { IssueBody, IssuedView, presentIssued, RenewalBody } from './issuing.schemas.ts';
import type { IssuingService } from './issuing.service.ts';

const tags = ['provisioning'];
const { csr_unreadable, csr_signature_invalid, csr_key_refused, certificate_unreadable } = x509Errors;
const { csr_name_refused, certificate_limit_reached } = issuingErrors;
const ofRequests = [
  csr_unreadable,
  csr_signature_invalid,
  csr_key_refused,
  csr_name_refused,
  certificate_limit_reached,
];

/** `/api/v1/device/certificate` */
export function createIssuingRoutes(issuing: IssuingService): HttpRoutes {
  return (app) => {
    app.post(
      '/certificate',
      {
        config: { access: 'device', problems: [...ofRequests, certificateErrors.certificate_device_unknown] },
        schema: {
          tags,
          operationId: 'requestCertificate',
          summary: 'Get a certificate',
          description:
            'For the device that asks, valid for a year, on the key of the request. Those that it has stay valid until it logs ' +
            'in with the new one. The same request again, before that, gets the same certificate. 10 a day.',
          body: IssueBody,
          response: { 201: IssuedView },
        },
      },
      async (request, reply) => {
        const issued = await issuing.issueCertificate(request.body.csr, deviceOf(request).deviceUid, originOf(request));
        return reply.code(201).send(presentIssued(issued));
      },
    );

    app.post(
      '/certificate/renew',
      {
        config: {
          access: 'public',
          problems: [...ofRequests, certificate_unreadable, ...Object.values(certificateErrors)],
        },
        schema: {
          tags,
          operationId: 'renewCertificate',
          summary: 'Renew a certificate by the one that the device has',
          description:
            'For devices without a secret. They prove that they have the key of their certificate by signing the request with ' +
            'it. Otherwise as `POST /api/v1/device/certificate`.',
          body: RenewalBody,
          response: { 201: IssuedView },
        },
      },
      async (request, reply) => {
        const { csr, certificate, signature } = request.body;
        const renewal = { csr, certificate, signature: Buffer.from(signature, 'base64') };
        return reply.code(201).send(presentIssued(await issuing.renew(renewal, originOf(request))));
      },
    );
  };
}
