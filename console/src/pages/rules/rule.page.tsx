import { Button, Group, Loader, SimpleGrid, Stack } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { fieldErrors } from '#console/api/problem.ts';
import { common } from '#console/app/common.texts.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Failure } from '#console/components/states.tsx';
import { type Outcome, useAct, useSay } from '#console/components/undo.tsx';
import { useUnsaved } from '#console/components/use-unsaved.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { ChangeHistory } from '#console/records/change-history.tsx';
import { changeRecord } from '#console/records/change-record.ts';
import { Backtest } from './backtest.tsx';
import { bodyOf, EMPTY, formOf, type RuleForm } from './rule.form.ts';
import { RuleFields } from './rule-fields.tsx';
import { rulesTexts } from './rules.texts.ts';

const RULE = '/api/v1/monitoring/alert-rules/{rule_id}';
const RULES = '/api/v1/monitoring/alert-rules';
/** Where the list is. */
const LIST: string = '/rules';

/** A new rule; what it begins with may be in the address, as charts put it there. */
export function NewRulePage() {
  const t = useTexts(rulesTexts);
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const device = Number(search['device']);
  const level = search['threshold'] === undefined ? Number.NaN : Number(search['threshold']);
  const initial: RuleForm = {
    ...EMPTY,
    device: Number.isInteger(device) && device > 0 ? device : null,
    metric: typeof search['metric'] === 'string' ? search['metric'] : '',
    low: Number.isFinite(level) ? level : '',
  };
  return <Editor title={t('new')} initial={initial} />;
}

/** A rule that is there. */
export function RulePage() {
  const t = useTexts(rulesTexts);
  const words = useTexts(common);
  const { id } = useParams({ strict: false }) as { readonly id: string };
  const rule_id = Number(id);
  const { data, error, refetch } = api.useQuery('get', RULE, { params: { path: { rule_id } } });
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loader aria-label={words('loading')} />;
  return <Editor key={data.id} title={t('edit')} initial={formOf(data)} ruleId={data.id} />;
}

/** The form, and beside it what the rule would have done. */
function Editor({ title, initial, ruleId }: EditorProps) {
  const t = useTexts(rulesTexts);
  const words = useTexts(common);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const act = useAct();
  const say = useSay();
  const [form, setForm] = useState(initial);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = (changes: Partial<RuleForm>) => setForm((before) => ({ ...before, ...changes }));
  const unsaved = useUnsaved(JSON.stringify(form) !== JSON.stringify(initial));
  const done = async () => {
    await cache.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith(RULES) });
    unsaved.settled();
    await navigate({ to: LIST });
  };
  const save = async () => {
    setBusy(true);
    const body = bodyOf(form);
    const answer: Outcome = await (ruleId === undefined
      ? client.POST(RULES, { body })
      : changeRecord(RULE, { ids: { rule_id: ruleId }, changes: { ...body, metric: body.metric ?? null } })
    ).catch((failure: unknown) => ({ error: failure }));
    setBusy(false);
    setError(answer.error ?? null);
    if (answer.error !== undefined) return;
    say(t('saved'), answer.undo);
    await done();
  };
  const remove = () =>
    modals.openConfirmModal({
      title: words('delete'),
      children: t('delete_text'),
      labels: { confirm: words('delete'), cancel: words('cancel') },
      confirmProps: { color: 'red.9' },
      closeButtonProps: { 'aria-label': words('close') },
      onConfirm: async () => {
        const params = { path: { rule_id: ruleId ?? 0 } };
        if (await act(t('deleted', { name: initial.name }), () => client.DELETE(RULE, { params }))) await done();
      },
    });
  return (
    <>
      <PageHeader title={title}>
        {ruleId !== undefined && (
          <Button variant="default" c="var(--mantine-color-error)" onClick={remove}>
            {words('delete')}
          </Button>
        )}
      </PageHeader>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <Stack>
            {error !== null && <Failure error={error} />}
            <RuleFields form={form} change={change} errors={fieldErrors(error)} />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => void navigate({ to: LIST })}>
                {words('cancel')}
              </Button>
              <Button type="submit" loading={busy}>
                {words('save')}
              </Button>
            </Group>
          </Stack>
        </form>
        <div>
          <Backtest form={form} onLevel={(field, value) => change({ [field]: value })} />
          {ruleId !== undefined && <ChangeHistory of={{ type: 'alert_rule', id: ruleId }} />}
        </div>
      </SimpleGrid>
    </>
  );
}

interface EditorProps {
  readonly title: string;
  readonly initial: RuleForm;
  /** Without: a new one. */
  readonly ruleId?: number;
}
