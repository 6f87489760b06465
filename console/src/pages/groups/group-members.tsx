import { Anchor, Button, Stack, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client } from '#console/api/client.ts';
import { RecordsSelect } from '#console/components/record-select.tsx';
import { failed, succeeded } from '#console/components/toast.ts';
import { defineTexts, useTexts } from '#console/i18n/texts.ts';
import type { RowOf } from '#console/records/records.types.ts';

const texts = defineTexts({
  en: {
    members: 'Its devices',
    show: 'Show them',
    count: '{count} devices',
    count_one: '1 device',
    add: 'Add devices',
    add_hint: 'A device is in one group at most: it leaves the one that it is in.',
    go: 'Add',
    done: '{count} devices are in the group now.',
    done_one: '1 device is in the group now.',
  },
  ko: {
    members: '그룹의 디바이스',
    show: '목록 보기',
    count: '디바이스 {count}대',
    count_one: '디바이스 1대',
    add: '디바이스 추가',
    add_hint: '디바이스는 한 그룹에만 속합니다. 다른 그룹에 있던 디바이스는 이 그룹으로 옮겨집니다.',
    go: '추가',
    done: '디바이스 {count}대를 그룹에 넣었습니다.',
    done_one: '디바이스 1대를 그룹에 넣었습니다.',
  },
});

interface LinkProps {
  readonly id: number;
  /** Unknown: only the way to them is shown. */
  readonly count?: number | undefined;
}

/** The way to the devices of a group. */
export function MembersLink({ id, count }: LinkProps) {
  const t = useTexts(texts);
  return (
    <Anchor component={Link} to="/devices" search={{ group_id: id } as never} inherit>
      {count === undefined ? t('show') : t('count', { count })}
    </Anchor>
  );
}

/** The devices of a group, and more for it. */
export function GroupMembers({ group }: { readonly group: RowOf<'/api/v1/device-groups'> }) {
  const t = useTexts(texts);
  const cache = useQueryClient();
  const query = { group_id: [group.id], size: 1 };
  const { data } = api.useQuery('get', '/api/v1/devices', { params: { query } });
  const [ids, setIds] = useState<readonly number[]>([]);
  const [busy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    let left = ids;
    try {
      for (const device_id of ids) {
        const params = { path: { device_id } };
        const { error } = await client.PATCH('/api/v1/devices/{device_id}', { params, body: { group_id: group.id } });
        if (error !== undefined) throw error;
        left = left.filter((id) => id !== device_id);
      }
      succeeded(t('done', { count: ids.length }));
    } catch (error) {
      failed(error);
    }
    setIds(left);
    setBusy(false);
    await cache.invalidateQueries();
  };
  return (
    <Stack gap="xs" mt="xl">
      <Title order={2} size="h5">
        {t('members')}
      </Title>
      <MembersLink id={group.id} count={data?.total} />
      <RecordsSelect
        kind="device"
        label={t('add')}
        description={t('add_hint')}
        most={100}
        value={ids}
        onChange={setIds}
      />
      <Button variant="default" w="fit-content" loading={busy} disabled={ids.length === 0} onClick={() => void add()}>
        {t('go')}
      </Button>
    </Stack>
  );
}
