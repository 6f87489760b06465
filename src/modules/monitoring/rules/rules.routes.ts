import { Type } from 'typebox';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { presentReplay, ReplayBody, ReplayView } from './replay.schemas.ts';
import type { ReplayService } from './replay.service.ts';
import { within } from './rules.check.ts';
import {
  presentRule,
  RULE_SORT_HELP,
  RuleBody,
  RulePage,
  RuleParams,
  RulePatch,
  RuleQuery,
  RuleView,
  toRuleChanges,
  toRuleFilter,
  toRuleInput,
} from './rules.schemas.ts';
import type { RulesService } from './rules.service.ts';

const tags = ['monitoring'];
const SCOPE_PROBLEMS = [
  monitoringErrors.alert_rule_invalid,
  monitoringErrors.alert_scope_too_wide,
  monitoringErrors.alert_scope_forbidden,
  deviceErrors.device_not_found,
  deviceErrors.device_group_unknown,
];
const NOT_FOR_ALL =
  'MANAGEMENT, or the owner of the device of a rule for a single device; to others the rule is not there (404).';

/** `/api/v1/monitoring/alert-rules` */
export function createRulesRoutes(rules: RulesService, replay: ReplayService): HttpRoutes {
  return (app) => {
    app.get(
      '/alert-rules',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listAlertRules',
          summary: 'List alert rules',
          description: `A USER sees the rules for single devices that it owns. Newest first unless sorted. \`q\` looks into name and metric. ${RULE_SORT_HELP}`,
          querystring: RuleQuery,
          response: { 200: RulePage },
        },
      },
      async (request) => {
        const { page, size, sort } = request.query;
        const filter = toRuleFilter(request.query);
        const found = await rules.list(principalOf(request), {
          page,
          size,
          filter,
          ...defined({ sort }),
        });
        return { ...found, items: found.items.map(presentRule) };
      },
    );

    app.post(
      '/alert-rules',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_rule_limit, ...SCOPE_PROBLEMS] },
        schema: {
          tags,
          operationId: 'createAlertRule',
          summary: 'Make an alert rule',
          description:
            'A USER makes rules for single devices that it owns, 50 at the most. 404 `device_not_found` for a device that ' +
            'the caller may not see, 422 `alert_rule_invalid` when condition and thresholds do not fit together. The rule ' +
            'counts for what arrives from now on.',
          body: RuleBody,
          response: { 201: RuleView },
        },
      },
      async (request, reply) =>
        reply.code(201).send(presentRule(await rules.create(principalOf(request), toRuleInput(request.body)))),
    );

    app.post(
      '/alert-rules/test',
      {
        config: {
          access: 'bearer',
          problems: [monitoringErrors.alert_test_too_large, monitoringErrors.alert_tests_busy, ...SCOPE_PROBLEMS],
        },
        schema: {
          tags,
          operationId: 'testAlertRule',
          summary: 'Test an alert rule on stored telemetry',
          description:
            'Replays what is stored of a range of up to 31 days through the evaluator, from nothing, and says when the ' +
            'rule would have raised and cleared alerts; nothing is changed. Looks at up to 100 devices, 200,000 samples and ' +
            '1,000 alerts: 422 `alert_test_too_large` beyond. Who may make the rule may test it.',
          body: ReplayBody,
          response: { 200: ReplayView },
        },
      },
      async (request) => {
        const { rule, start, end } = request.body;
        const range = { start: instantOf(start), end: instantOf(end) };
        const input = await within('/rule', () => toRuleInput(rule));
        return presentReplay(await replay.test(principalOf(request), input, range));
      },
    );

    app.get(
      '/alert-rules/:rule_id',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_rule_not_found] },
        schema: {
          tags,
          operationId: 'getAlertRule',
          summary: 'Get an alert rule',
          description: NOT_FOR_ALL,
          params: RuleParams,
          response: { 200: RuleView },
        },
      },
      async (request) => presentRule(await rules.get(principalOf(request), request.params.rule_id)),
    );

    app.patch(
      '/alert-rules/:rule_id',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_rule_not_found, ...SCOPE_PROBLEMS] },
        schema: {
          tags,
          operationId: 'updateAlertRule',
          summary: 'Change an alert rule',
          description:
            'Fields that are left out stay. Unless only name, severity or channels change, the rule starts afresh: its ' +
            `ACTIVE alerts are cleared. ${NOT_FOR_ALL}`,
          params: RuleParams,
          body: RulePatch,
          response: { 200: RuleView },
        },
      },
      async (request) =>
        presentRule(await rules.update(principalOf(request), request.params.rule_id, toRuleChanges(request.body))),
    );

    app.delete(
      '/alert-rules/:rule_id',
      {
        config: { access: 'bearer', problems: [monitoringErrors.alert_rule_not_found] },
        schema: {
          tags,
          operationId: 'deleteAlertRule',
          summary: 'Delete an alert rule',
          description: `Its alerts stay in the list; those that are ACTIVE are cleared. ${NOT_FOR_ALL}`,
          params: RuleParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await rules.remove(principalOf(request), request.params.rule_id);
        return reply.code(204).send(null);
      },
    );
  };
}
