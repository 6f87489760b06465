import { values } from './values.ts';

/** What the API says in a sentence of its own, in Korean; undefined: it is none of these, such as what a device said. */
export function sentenceInKorean(sentence: string): string | undefined {
  const said = EXACTLY[sentence];
  if (said !== undefined) return said;
  for (const [shape, say] of SHAPES) {
    const found = shape.exec(sentence);
    if (found !== null) return say(...(found.slice(1) as Parts));
  }
  return explained(sentence);
}

/** What people are told of an alert: `WARNING: Too hot`, `pump-1: temperature is 31, above 30`. */
export function alertInKorean(title: string, message: string): readonly [title: string, message: string] {
  const [, state, name] = /^(Cleared|[A-Z]+): (.*)$/s.exec(title) ?? [];
  const [, uid, said, rest] = /^([\w-]+): (.*?)( \(You get no e-mail: .*\))?$/s.exec(message) ?? [];
  const told = said === undefined ? undefined : sentenceInKorean(said);
  return [
    state === undefined ? title : `${state === 'Cleared' ? '해제' : word('status', state)}: ${name}`,
    told === undefined ? message : `${uid}: ${told}${rest === undefined ? '' : ` (${NO_EMAIL})`}`,
  ];
}

const NO_EMAIL = '이메일 주소가 확인되지 않아 메일은 보내지 않습니다.';

type Parts = [string, string, string, string];
type Shape = readonly [shape: RegExp, say: (...parts: Parts) => string];

const word = (kind: keyof typeof values, value: string): string =>
  (values[kind] as Readonly<Record<string, string>>)[value] ?? value;

const EXACTLY: Readonly<Record<string, string>> = {
  // Components.
  'It cannot be reached, or takes no work.': '응답하지 않거나 작업을 받지 않습니다.',
  'It failed.': '실패했습니다.',
  // Jobs.
  'Calls one address of WEBHOOK_URL, signed.': 'WEBHOOK_URL의 주소 하나를 서명과 함께 호출합니다.',
  'Does all that can be done for the campaigns now: offers, retries, time-outs, gates.':
    '배포에서 지금 할 수 있는 제안, 재시도, 시간 초과 처리, 게이트 판정을 합니다.',
  'Ends commands whose time is over, and takes up those that a process left behind.':
    '기한이 지난 명령을 끝내고, 처리가 중단된 명령을 이어서 처리합니다.',
  'Finishes changes of configurations that a process left behind.': '처리가 중단된 구성 변경을 마무리합니다.',
  'Gives the members of a group its configuration.': '그룹의 디바이스에 그룹 구성을 적용합니다.',
  'Makes a token to verify an e-mail address or reset a password, and sends it there.':
    '이메일 인증이나 비밀번호 재설정용 토큰을 만들어 메일로 보냅니다.',
  'Makes and stores a report of one device.': '디바이스 한 대의 보고서를 만들어 저장합니다.',
  'Makes and stores a report of the day before for every device, and what earlier days lack.':
    '모든 디바이스의 전날 보고서와 빠진 날의 보고서를 만들어 저장합니다.',
  'Makes one e-mail of what one user is to be told about one topic.':
    '한 사용자에게 같은 내용으로 보낼 알림을 메일 한 통으로 모읍니다.',
  'Makes the commands of one order for many devices.': '여러 디바이스에 보낼 명령을 만듭니다.',
  'Removes sessions, refresh tokens, single-use tokens and personal access tokens that have expired.':
    '만료된 세션, 갱신 토큰, 일회용 토큰, 개인 액세스 토큰을 삭제합니다.',
  'Removes telemetry older than TELEMETRY_RETENTION_DAYS and records older than RECORD_RETENTION_DAYS.':
    'TELEMETRY_RETENTION_DAYS가 지난 텔레메트리와 RECORD_RETENTION_DAYS가 지난 기록을 삭제합니다.',
  'Removes what interrupted uploads of firmware have left.': '중단된 펌웨어 업로드가 남긴 파일을 삭제합니다.',
  'Sends one e-mail through SMTP_URL.': 'SMTP_URL로 메일 한 통을 보냅니다.',
  'Sets devices OFFLINE that were not heard of for their inactivity_seconds, ten minutes unless they say otherwise.':
    'inactivity_seconds(기본 10분) 동안 메시지가 없는 디바이스를 오프라인으로 바꿉니다.',
  'Tells of certificates of devices that end within 30 days, or as many as it is told; ends connections with those that have ended, and forgets them after 90 days.':
    '30일(또는 지정한 일수) 안에 만료되는 디바이스 인증서를 알리고, 만료된 인증서의 연결을 끊으며, 90일 뒤에 기록을 지웁니다.',
  'Tells some users of one thing, on the web, by e-mail and by webhook.':
    '사용자들에게 웹, 이메일, 웹훅으로 알림을 보냅니다.',
  'Tells the next 500 users of a broadcast and makes the job for those after them.':
    '일괄 알림을 다음 사용자 500명에게 보내고, 그 뒤의 사용자에게 보낼 작업을 만듭니다.',
  // Problems.
  'The access token has expired.': '로그인이 만료되었습니다.',
  'The access token is no longer valid.': '로그인이 더 이상 유효하지 않습니다.',
  'The start is not before the end.': '시작이 끝보다 앞서지 않습니다.',
  'The range is too long to be tested.': '시험하기에는 기간이 너무 깁니다.',
  'Each firmware has to be signed by a registered key here (FIRMWARE_REQUIRE_SIGNATURE).':
    '이 서버에서는 모든 펌웨어를 등록된 키로 서명해야 합니다(FIRMWARE_REQUIRE_SIGNATURE).',
  'This was asked for by a page of another site.': '다른 사이트의 페이지가 보낸 요청입니다.',
  'The store is away.': '저장소가 응답하지 않습니다.',
  'The store is busy.': '저장소가 바쁩니다.',
  'The database is away.': '데이터베이스가 응답하지 않습니다.',
  'The database is busy.': '데이터베이스가 바쁩니다.',
  'Files cannot be kept or read now.': '지금은 파일을 저장하거나 읽을 수 없습니다.',
  'The server is stopping.': '서버가 종료되는 중입니다.',
  // Alerts.
  'the device is no longer OFFLINE': '디바이스가 더 이상 오프라인이 아닙니다',
};

const CONDITIONS: readonly (readonly [RegExp, (a: string, b: string) => string])[] = [
  [/^at or above (.+)$/s, (limit) => `${limit} 이상`],
  [/^at or below (.+)$/s, (limit) => `${limit} 이하`],
  [/^above (.+)$/s, (limit) => `${limit} 초과`],
  [/^below (.+)$/s, (limit) => `${limit} 미만`],
  [/^equal to (.+)$/s, (limit) => `${limit} 일치`],
  [/^not (.+)$/s, (limit) => `${limit} 불일치`],
  [/^outside (\S+) to (\S+)$/, (low, high) => `${low}~${high} 범위 밖`],
  [/^inside (\S+) to (\S+)$/, (low, high) => `${low}~${high} 범위 안`],
];

function condition(said: string): string {
  for (const [shape, say] of CONDITIONS) {
    const found = shape.exec(said);
    if (found !== null) return say(found[1] ?? '', found[2] ?? '');
  }
  return said;
}

const METRIC = '[A-Za-z_][A-Za-z0-9_.-]*';
const LIMIT = '(?:at or above|at or below|above|below|equal to|not|outside|inside) .+?';

const SHAPES: readonly Shape[] = [
  [/^No answer within (\w+) ms\.$/, (ms) => `${ms}ms 안에 응답하지 않았습니다.`],
  [/^(\w+) items wait to be committed\.$/, (count) => `커밋을 기다리는 항목이 ${count}개 있습니다.`],
  // Alerts; what is in quotes was said by a device, or by whoever made the rule.
  [
    new RegExp(`^(${METRIC}) is (.+), no longer (${LIMIT})$`, 's'),
    (metric, value, limit) => `${metric} 값: ${value} (조건 해제: ${condition(limit)})`,
  ],
  [
    new RegExp(`^(${METRIC}) is (.+), (${LIMIT})(?: for (\\d+) s)?$`, 's'),
    (metric, value, limit, seconds) =>
      `${metric} 값: ${value} (조건: ${condition(limit)}${seconds === undefined ? '' : `, ${seconds}초 지속`})`,
  ],
  [
    new RegExp(`^no (${METRIC}) for (\\d+) s$`),
    (metric, seconds) => `${metric} 데이터가 ${seconds}초 동안 들어오지 않았습니다`,
  ],
  [new RegExp(`^(${METRIC}) is there again$`), (metric) => `${metric} 데이터가 다시 들어옵니다`],
  [
    /^the device is OFFLINE(?:, for (\d+) s)?$/,
    (seconds) => `디바이스가 오프라인입니다${seconds === undefined ? '' : ` (${seconds}초 지속)`}`,
  ],
  // Logs of the server.
  [/^([A-Z]+) → ([A-Z]+)$/, (from, to) => `${word('status', from)} → ${word('status', to)}`],
  // Problems.
  [/^The configuration has version (\d+) now\.$/, (version) => `현재 구성은 버전 ${version}입니다.`],
  [/^An image may have (\d+) bytes here\.$/, (bytes) => `이미지는 ${bytes}바이트까지 올릴 수 있습니다.`],
  [/^A body may have (\d+) bytes here\.$/, (bytes) => `${bytes}바이트까지 보낼 수 있습니다.`],
  [/^At most (\d+) changes in (\d+) s\.$/, (max, seconds) => `${seconds}초에 ${max}번까지 변경할 수 있습니다.`],
  [/^There are (\d+) alert rules, the limit, already\.$/, (limit) => `경보 규칙은 ${limit}개까지 만들 수 있습니다.`],
  [
    /^You are receiving (\d+) files already\. Wait until one of them is complete\.$/,
    (count) => `이미 파일 ${count}개를 받고 있습니다. 하나가 끝날 때까지 기다리세요.`,
  ],
];

/** What a roll-out says of a device: what it does, what the device has said, and until when. */
function explained(text: string): string | undefined {
  const [, doing = text, reason, until] = /^(.*?)(?: It said: (.+?)\.)?(?: It has until (\S+)\.)?$/s.exec(text) ?? [];
  const parts = doing.split(/(?<=\.) (?=[A-Z])/).map((sentence) => {
    for (const [shape, say] of EXPLANATIONS) {
      const found = shape.exec(sentence);
      if (found !== null) return say(...(found.slice(1) as Parts));
    }
    return undefined;
  });
  if (parts.includes(undefined)) return undefined;
  if (reason !== undefined)
    parts.push(reason.endsWith('_too_long') ? `${word('reason', reason)}.` : `디바이스의 보고: ${reason}.`);
  if (until !== undefined) parts.push(`기한은 ${until}입니다.`);
  return parts.join(' ');
}

const EXPLANATIONS: readonly Shape[] = [
  [/^Was offered the firmware and has not answered\.$/, () => '펌웨어를 제안했고 아직 응답이 없습니다.'],
  [/^Is downloading\.$/, () => '내려받는 중입니다.'],
  [
    /^Has downloaded the firmware and has not begun to install it\.$/,
    () => '내려받기를 마쳤고 아직 설치를 시작하지 않았습니다.',
  ],
  [
    /^Is installing; it has succeeded when it reports the new version\.$/,
    () => '설치 중입니다. 새 버전을 보고하면 성공입니다.',
  ],
  [/^Runs the new version\.$/, () => '새 버전을 실행하고 있습니다.'],
  [/^Has failed\.$/, () => '실패했습니다.'],
  [/^Took too long\.$/, () => '제한 시간을 넘겼습니다.'],
  [/^Has refused the firmware\.$/, () => '펌웨어를 거부했습니다.'],
  [/^The campaign was aborted\.$/, () => '배포가 중단되었습니다.'],
  [/^Had the version already\.$/, () => '이미 이 버전을 실행하고 있었습니다.'],
  [
    /^It runs another version again after it had begun to install\.$/,
    () => '설치를 시작한 뒤 다시 다른 버전을 실행하고 있습니다.',
  ],
  [/^It was not there to be offered the firmware\.$/, () => '펌웨어를 제안할 때 접속해 있지 않았습니다.'],
  [/^Its window was closed\.$/, () => '시간대가 닫혀 있었습니다.'],
  [/^The campaign was paused\.$/, () => '배포가 일시 정지되어 있었습니다.'],
  [/^The device was deleted\.$/, () => '디바이스가 삭제되었습니다.'],
  [
    /^Waits: the gate of stage (\w+) has failed, and the campaign is paused\.$/,
    (stage) => `${stage}단계 게이트가 실패해 배포가 일시 정지되었습니다.`,
  ],
  [/^Waits: the campaign is paused\.$/, () => '배포가 일시 정지되어 기다리고 있습니다.'],
  [/^The campaign is (\w+)\.$/, (state) => `배포 상태: ${word('status', state)}.`],
  [
    /^Waits for its stage; the campaign is in stage (\w+)\.$/,
    (stage) => `자기 단계를 기다리고 있습니다. 배포는 현재 ${stage}단계입니다.`,
  ],
  [
    /^Waits for its window, next at (\S+) \((.+)\)\.$/,
    (at, zone) => `시간대가 열리기를 기다리고 있습니다. 다음은 ${at}입니다(${zone}).`,
  ],
  [/^Waits for its turn\.$/, () => '차례를 기다리고 있습니다.'],
  [/^Is offered it again after (\S+)\.$/, (at) => `${at} 이후에 다시 제안합니다.`],
  [/^Is offered the firmware when it subscribes to its topic\.$/, () => '토픽을 구독하면 펌웨어를 제안합니다.'],
];
