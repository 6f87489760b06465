import { Button, Group, Select, Stack, Stepper, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { PageHeader } from '#console/components/page-header.tsx';
import { Failure } from '#console/components/states.tsx';
import { TargetPicker, targetOf, useTargetCount } from '#console/components/target-picker.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { useUnsaved } from '#console/components/use-unsaved.tsx';
import { useTexts } from '#console/i18n/texts.ts';
import { fieldTexts } from '#console/records/field.texts.ts';
import { actOn } from '../campaign/campaign-actions.tsx';
import { newCampaignTexts } from './new-campaign.texts.ts';
import { NEW_PLAN, type Plan, toBody } from './plan.ts';
import { ScheduleStep } from './schedule-step.tsx';
import { StagesStep } from './stages-step.tsx';
import { Summary } from './summary.tsx';

const LAST_STEP = 3;

/** From the image to the start, step by step; any step can be gone back to. */
export function NewCampaignPage() {
  const t = useTexts(newCampaignTexts);
  const [plan, setPlan] = useState<Plan>(NEW_PLAN);
  const [step, setStep] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const change = (part: Partial<Plan>) => setPlan((before) => ({ ...before, ...part }));
  const total = useTargetCount(targetOf(plan.target), plan.firmware?.device_type);
  const body = toBody(plan);
  const isReady = body !== undefined && body.name !== '';
  const unsaved = useUnsaved(plan !== NEW_PLAN);

  const create = async (isStarted: boolean) => {
    if (body === undefined) return;
    setBusy(true);
    try {
      const made = await client.POST('/api/v1/campaigns', { body });
      setError(made.error ?? null);
      if (made.error !== undefined) return;
      // It is there now: what its start is refused for stands on its page.
      const start = isStarted ? await actOn(made.data.id, 'start') : undefined;
      if (start?.error !== undefined) failed(start.error);
      else succeeded(t(isStarted ? 'started' : 'created'));
      unsaved.settled();
      await cache.invalidateQueries();
      await navigate({ to: `/campaigns/${made.data.id}` as string });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <PageHeader title={t('title')} />
      <Stepper
        active={step}
        onStepClick={(next) => (isReady || next === 0) && setStep(next)}
        size="xs"
        wrap
        styles={{ separator: { minWidth: 8 } }}
      >
        <Stepper.Step label={t('image')}>
          <ImageStep plan={plan} change={change} />
        </Stepper.Step>
        <Stepper.Step label={t('stages')}>
          <StagesStep plan={plan} change={change} total={total} />
        </Stepper.Step>
        <Stepper.Step label={t('schedule')}>
          <ScheduleStep plan={plan} change={change} />
        </Stepper.Step>
        <Stepper.Step label={t('summary')}>
          <Summary plan={plan} total={total} />
        </Stepper.Step>
      </Stepper>
      {error !== null && step === LAST_STEP && <Failure error={error} />}
      <Group justify="flex-end" mt="lg">
        {step > 0 && (
          <Button variant="default" onClick={() => setStep(step - 1)}>
            {t('back')}
          </Button>
        )}
        {step < LAST_STEP && (
          <Button onClick={() => setStep(step + 1)} disabled={!isReady}>
            {t('next')}
          </Button>
        )}
        {step === LAST_STEP && (
          <>
            <Button
              variant={plan.requiresApproval ? 'filled' : 'default'}
              onClick={() => void create(false)}
              loading={busy}
            >
              {t('create')}
            </Button>
            {!plan.requiresApproval && (
              <Button onClick={() => void create(true)} loading={busy}>
                {t('create_start')}
              </Button>
            )}
          </>
        )}
      </Group>
    </>
  );
}

function ImageStep({ plan, change }: ImageStepProps) {
  const t = useTexts(newCampaignTexts);
  const field = useTexts(fieldTexts);
  const query = { size: 100, sort: '-created_at' };
  const { data, error, refetch } = api.useQuery('get', '/api/v1/firmware', { params: { query } });
  const images = data?.items ?? [];
  const choose = (id: string | null) => {
    const firmware = images.find((image) => String(image.id) === id) ?? null;
    const isNamed = plan.name !== '' && plan.name !== nameFor(plan.firmware);
    change({ firmware, ...(isNamed ? {} : { name: nameFor(firmware) }) });
  };
  return (
    <Stack>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      <Select
        label={t('firmware')}
        searchable
        withAsterisk
        data={images.map(({ id, device_type, version }) => ({ value: String(id), label: `${device_type} ${version}` }))}
        value={plan.firmware === null ? null : String(plan.firmware.id)}
        onChange={choose}
        {...(data?.total === 0 ? { description: t('no_firmware') } : {})}
      />
      <TextInput
        label={field('name')}
        withAsterisk
        maxLength={100}
        value={plan.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      {plan.firmware !== null && (
        <>
          <TargetPicker
            value={plan.target}
            onChange={(target) => change({ target })}
            type={plan.firmware.device_type}
          />
          <Text size="sm" c="dimmed">
            {t('type_note', { type: plan.firmware.device_type })}
          </Text>
        </>
      )}
    </Stack>
  );
}

const nameFor = (firmware: Plan['firmware']): string =>
  firmware === null ? '' : `${firmware.device_type} ${firmware.version}`;

interface ImageStepProps {
  readonly plan: Plan;
  readonly change: (part: Partial<Plan>) => void;
}
