import { Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';

const Username = Type.String({ maxLength: 256, description: 'device_uid', examples: ['boiler-1'] });
const ClientId = Type.Optional(
  Type.String({ maxLength: 65_535, description: 'Not looked at', examples: ['boiler-1'] }),
);

export const LoginBody = Strict('BrokerLogin', {
  username: Username,
  password: Type.String({ maxLength: 1_024, description: 'The secret', examples: ['s3cret'] }),
  clientid: ClientId,
});

export const TopicBody = Strict('BrokerTopic', {
  username: Username,
  topic: Type.String({
    maxLength: 65_535,
    description: 'Topic, or filter of a subscription',
    examples: ['devices/boiler-1/telemetry'],
  }),
  action: Type.Optional(
    Type.Unsafe<'publish' | 'subscribe'>({
      type: 'string',
      enum: ['publish', 'subscribe'],
      description: 'As EMQX asks; this or `acc`',
      examples: ['publish'],
    }),
  ),
  acc: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 4,
      description: 'As mosquitto-go-auth asks: 1 read, 2 write, 3 both, 4 subscribe',
      examples: [2],
    }),
  ),
  clientid: ClientId,
});

export const SuperuserBody = Strict('BrokerSuperuser', { username: Username });

export const ReplyQuery = Strict({
  reply: Type.Unsafe<'body' | 'status'>({
    type: 'string',
    enum: ['body', 'status'],
    default: 'body',
    description: '`body`: 200 and the result in the body (EMQX); `status`: 403 for no (mosquitto-go-auth)',
    examples: ['body'],
  }),
});

export const SecretHeaders = Type.Object({
  'x-mqtt-auth-secret': Type.Optional(Type.String({ description: 'MQTT_AUTH_SECRET', examples: ['a-shared-secret'] })),
});

export const Verdict = Strict('BrokerVerdict', {
  result: Type.Unsafe<'allow' | 'deny'>({
    type: 'string',
    enum: ['allow', 'deny'],
    description: 'Whether it may',
    examples: ['allow'],
  }),
  is_superuser: Type.Boolean({
    description: 'Always false: every device is held to its own topics',
    examples: [false],
  }),
});
