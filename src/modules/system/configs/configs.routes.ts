import { Type } from 'typebox';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { secretErrors } from '#platform/secrets/secret-box.port.ts';
import { systemErrors } from '../system.errors.ts';
import {
  CONFIG_SORT_HELP,
  ConfigBody,
  ConfigPage,
  ConfigParams,
  ConfigQuery,
  ConfigView,
  presentConfig,
  toInput,
} from './configs.schemas.ts';
import type { ConfigsService } from './configs.service.ts';

const tags = ['system'];

/** `/api/v1/system/configs` */
export function createConfigsRoutes(configs: ConfigsService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: ['SUPERADMIN'] },
        schema: {
          tags,
          operationId: 'listConfigs',
          summary: 'List configuration',
          description: `By key unless sorted. \`q\` looks into key and description. ${CONFIG_SORT_HELP}`,
          querystring: ConfigQuery,
          response: { 200: ConfigPage },
        },
      },
      async (request) => {
        const page = await configs.list(request.query);
        return { ...page, items: page.items.map(presentConfig) };
      },
    );

    app.get(
      '/:key',
      {
        config: { access: ['SUPERADMIN'], problems: [systemErrors.config_not_found] },
        schema: {
          tags,
          operationId: 'getConfig',
          summary: 'Get one configuration',
          description: 'The value of a secret one is null: it is never shown again.',
          params: ConfigParams,
          response: { 200: ConfigView },
        },
      },
      async (request) => presentConfig(await configs.get(request.params.key)),
    );

    app.put(
      '/:key',
      {
        config: { access: ['SUPERADMIN'], problems: [systemErrors.config_value_invalid, secretErrors.config_key_away] },
        schema: {
          tags,
          operationId: 'setConfig',
          summary: 'Set one configuration',
          description:
            'Creates or replaces it. A secret one stays secret unless `is_secret` says otherwise. 503 ' +
            '`config_key_away` while the key for secret values cannot be read.',
          params: ConfigParams,
          body: ConfigBody,
          response: { 200: ConfigView },
        },
      },
      async (request) =>
        presentConfig(await configs.put(principalOf(request), request.params.key, toInput(request.body))),
    );

    app.delete(
      '/:key',
      {
        config: { access: ['SUPERADMIN'], problems: [systemErrors.config_not_found] },
        schema: {
          tags,
          operationId: 'deleteConfig',
          summary: 'Delete one configuration',
          description: 'It is gone for good; the audit trail keeps that it was there, not its value.',
          params: ConfigParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await configs.remove(principalOf(request), request.params.key);
        return reply.code(204).send(null);
      },
    );
  };
}
