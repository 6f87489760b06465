import { commonErrors } from '#kernel/errors.ts';
import { hashSecret, secretMatches } from '#kernel/ids.ts';
import { FILE_BODY_BYTES, type HttpRoutes } from '#platform/http/http.port.ts';
import { LoginBody, ReplyQuery, SecretHeaders, SuperuserBody, TopicBody, Verdict } from './broker-auth.schemas.ts';
import type { BrokerAuthService, TopicAction } from './broker-auth.service.ts';

const tags = ['mqtt'];
const config = {
  access: 'public',
  rateLimitExempt: true,
  problems: [commonErrors.authentication_required, commonErrors.forbidden],
} as const;
const SENT_BY =
  'Asked by an MQTT broker (EMQX, mosquitto-go-auth), which proves itself with the header `X-Mqtt-Auth-Secret`. ';

/** `/api/v1/mqtt`. Mounted only when there is a secret. */
export function createBrokerAuthRoutes(service: BrokerAuthService, secret: string): HttpRoutes {
  const secretHash = hashSecret(secret);

  function verdict(allowed: boolean, { reply }: { readonly reply: 'body' | 'status' }) {
    if (!allowed && reply === 'status') throw commonErrors.forbidden({ detail: 'The device may not do this.' });
    return { result: allowed ? ('allow' as const) : ('deny' as const), is_superuser: false };
  }

  return (app) => {
    app.addHook('onRequest', async (request) => {
      const presented = request.headers['x-mqtt-auth-secret'];
      if (typeof presented !== 'string' || !secretMatches(presented, secretHash)) {
        throw commonErrors.authentication_required({ detail: 'The header X-Mqtt-Auth-Secret is wrong.' });
      }
    });
    // mosquitto-go-auth asks in this form unless it is told otherwise.
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      const fields: Record<string, unknown> = Object.fromEntries(new URLSearchParams(body as string));
      if (fields['acc'] !== undefined) fields['acc'] = Number(fields['acc']);
      done(null, fields);
    });

    app.post(
      '/auth',
      {
        config,
        // A topic has up to 64 KiB, in a form three times that. Who asks has shown the secret.
        bodyLimit: FILE_BODY_BYTES,
        schema: {
          tags,
          operationId: 'authorizeBrokerLogin',
          summary: 'May this device log in?',
          description: `${SENT_BY}The device's uid and secret.`,
          headers: SecretHeaders,
          querystring: ReplyQuery,
          body: LoginBody,
          response: { 200: Verdict },
        },
      },
      async ({ body, query }) => verdict(await service.mayLogIn(body.username, body.password), query),
    );

    app.post(
      '/acl',
      {
        config,
        // A topic has up to 64 KiB, in a form three times that. Who asks has shown the secret.
        bodyLimit: FILE_BODY_BYTES,
        schema: {
          tags,
          operationId: 'authorizeBrokerTopic',
          summary: 'May this device use this topic?',
          description: `${SENT_BY}Only the device's own topics, exactly; wildcards never.`,
          headers: SecretHeaders,
          querystring: ReplyQuery,
          body: TopicBody,
          response: { 200: Verdict },
        },
      },
      async ({ body, query }) => {
        const action = body.action ?? actionOf(body.acc);
        return verdict(action !== null && (await service.mayUse(body.username, body.topic, action)), query);
      },
    );

    app.post(
      '/superuser',
      {
        config,
        // A topic has up to 64 KiB, in a form three times that. Who asks has shown the secret.
        bodyLimit: FILE_BODY_BYTES,
        schema: {
          tags,
          operationId: 'authorizeBrokerSuperuser',
          summary: 'Is this a superuser?',
          description: `${SENT_BY}Never: every device is held to its own topics.`,
          headers: SecretHeaders,
          querystring: ReplyQuery,
          body: SuperuserBody,
          response: { 200: Verdict },
        },
      },
      async ({ query }) => verdict(false, query),
    );
  };
}

/** No topic of ours is for both, so `acc` 3 is for none. */
function actionOf(acc: number | undefined): TopicAction | null {
  if (acc === 2) return 'publish';
  return acc === 1 || acc === 4 ? 'subscribe' : null;
}
