/** What the API says of one field of an input: `must be a whole number from 1 to 100; use "5"`. */
export function fieldInKorean(message: string): string | undefined {
  const [, phrase = message, verb, hint] = /^(.*?)(?:; (use|did you mean) (".*")\??)?$/s.exec(message) ?? [];
  const said = PHRASES.map(([shape, say]) => {
    const found = shape.exec(phrase);
    return found === null ? undefined : say(...(found.slice(1) as [string, string, string]));
  }).find((each) => each !== undefined);
  if (said === undefined || verb === undefined) return said;
  return `${said} (${verb === 'use' ? `예: ${hint}` : `${hint}인가요?`})`;
}

type Phrase = readonly [shape: RegExp, say: (...parts: [string, string, string]) => string | undefined];

const TYPES: Readonly<Record<string, string>> = {
  text: '텍스트',
  'a number': '숫자',
  'a whole number': '정수',
  'true or false': '참 또는 거짓',
  'a list': '목록',
  'an object': '객체',
  null: 'null',
};

/** `text, a number or null`; undefined where one of them is no type. */
function typesOf(list: string): string | undefined {
  const names = list.replace('true or false', 'true/false').split(/, | or /);
  const words = names.map((name) => TYPES[name.replace('true/false', 'true or false')]);
  return words.includes(undefined) ? undefined : words.join(' 또는 ');
}

/** What a schema says that it accepts, and formats. */
const ACCEPTED: Readonly<Record<string, string>> = {
  '1 to 100 lower-case letters, digits, `_`, `.` and `-`, a letter first':
    '소문자로 시작하는 1~100자의 소문자, 숫자, `_`, `.`, `-`',
  '1 to 128 letters, digits, `_`, `-` and `*`': '1~128자의 영문자, 숫자, `_`, `-`, `*`',
  '1 to 32 lower-case letters, digits and `_`, a letter first': '소문자로 시작하는 1~32자의 소문자, 숫자, `_`',
  '1 to 40 hexadecimal digits, as `openssl x509 -serial` prints them':
    '`openssl x509 -serial`이 출력하는 1~40자리의 16진수',
  '1 to 40 letters, digits, `_` and `-`': '1~40자의 영문자, 숫자, `_`, `-`',
  '1 to 50 lower-case letters, digits and `_`, a letter first': '소문자로 시작하는 1~50자의 소문자, 숫자, `_`',
  '1 to 64 letters, digits, `_` and `-`, a letter or digit first':
    '영문자나 숫자로 시작하는 1~64자의 영문자, 숫자, `_`, `-`',
  '1 to 64 letters, digits, `_`, `.` and `-`, a letter or `_` first':
    '영문자나 `_`로 시작하는 1~64자의 영문자, 숫자, `_`, `.`, `-`',
  '1 to 64 letters, digits, `_`, `.`, `:` and `-`, a letter first':
    '영문자로 시작하는 1~64자의 영문자, 숫자, `_`, `.`, `:`, `-`',
  '1 to 64 letters, digits, spaces and `_.:+-`, a letter or digit first':
    '영문자나 숫자로 시작하는 1~64자의 영문자, 숫자, 공백, `_.:+-`',
  '16 hexadecimal digits': '16자리 16진수',
  '43 letters, digits, `_` and `-`: a SHA-256 in base64url': 'base64url로 쓴 SHA-256(43자)',
  '43 to 128 letters, digits, `.`, `_`, `~` and `-`': '43~128자의 영문자, 숫자, `.`, `_`, `~`, `-`',
  'a time of day such as 22:30': '22:30과 같은 시각',
  'a whole number with s, m, h or d, such as 5m; or 1w, 1mo or auto':
    '5m처럼 정수에 s, m, h, d를 붙인 값이나 1w, 1mo, auto',
  'an Ed25519 signature in base64': 'base64로 쓴 Ed25519 서명',
  'an address that begins with https:// or http://': 'https://나 http://로 시작하는 주소',
  'an e-mail address such as kim@example.com': 'kim@example.com과 같은 이메일 주소',
  'an e-mail address': '이메일 주소',
  base64: 'base64',
  'text with something visible in it, in one line and without control characters':
    '보이는 글자가 있고 제어 문자가 없는 한 줄 텍스트',
  'text with something visible in it, of any number of lines': '보이는 글자가 있는 텍스트',
  'an RFC 3339 time stamp that exists, with seconds and an offset, such as 2026-11-25T21:41:08Z or 2026-11-25T21:41:08.250+09:00':
    '초와 시간대 오프셋이 있는 RFC 3339 시각(예: 2026-11-25T21:41:08Z, 2026-11-25T21:41:08.250+09:00)',
  'a time zone of the IANA database, such as Asia/Seoul': 'Asia/Seoul과 같은 IANA 시간대',
  'a date such as 2026-11-25': '2026-11-25와 같은 날짜',
  'an address such as https://example.com/page': 'https://example.com/page와 같은 주소',
  'a UUID such as 0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10': '0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10과 같은 UUID',
  'an IPv4 address such as 192.0.2.7': '192.0.2.7과 같은 IPv4 주소',
  'an IPv6 address such as 2001:db8::7': '2001:db8::7과 같은 IPv6 주소',
  'a group that exists': '존재하는 그룹',
  'a firmware that exists': '존재하는 펌웨어',
  'a firmware that may still be installed: its not_after is over': 'not_after가 지나지 않은 펌웨어',
  'the id of a device group': '존재하는 그룹의 ID',
  'the id of a user': '존재하는 사용자의 ID',
  'the id of a widget': '존재하는 위젯의 ID',
  'your own id, or null': '자신의 ID나 null',
  'the id of an active user of MANAGEMENT, or of the owner of the device':
    '활성 상태인 매니저 이상의 사용자나 디바이스 소유자의 ID',
  'in the future': '미래의 시각',
  'before the end': '끝보다 앞선 시각',
  'within ten years of the end': '끝에서 10년 이내의 시각',
  'another time than from': '시작과 다른 시각',
  over: '지난 날짜',
  JSON: 'JSON',
  'UTF-8': 'UTF-8',
  'UTF-8; in a spreadsheet choose "CSV UTF-8"': 'UTF-8(스프레드시트에서는 "CSV UTF-8"을 선택하세요)',
  'a CSV file, and is a spreadsheet; save it as "CSV UTF-8"': '스프레드시트가 아닌 CSV 파일("CSV UTF-8"로 저장하세요)',
  'a list of devices': '디바이스 목록',
  'an Ed25519 public key, as PEM or as 32 bytes in base64': 'PEM이나 base64(32바이트)로 쓴 Ed25519 공개 키',
  'MAINTENANCE, or any other status to end it': 'MAINTENANCE나, 점검을 끝내려면 다른 상태',
};

const UNITS: Readonly<Record<string, string>> = { character: '자', item: '개', field: '개', row: '행', sample: '개' };
const unit = (what: string): string => UNITS[what.replace(/s$/, '')] ?? '개';
const where = (condition: string): string => `${condition} 조건에서는`;
const only = (what: string | undefined): string | undefined =>
  what === undefined ? undefined : `${what}만 허용됩니다`;
const number = (whole: string | undefined): string => (whole === undefined ? '숫자' : '정수');
const bound = (text: string): string =>
  text
    .replace(/(\S+) or more/, '$1 이상')
    .replace(/(\S+) or less/, '$1 이하')
    .replace(/more than (\S+)/, '$1 초과')
    .replace(/less than (\S+)/, '$1 미만')
    .replace(' and ', ', ');

/** The first that fits says it; the general ones come last. */
const PHRASES: readonly Phrase[] = [
  [/^is required$/, () => '필수 항목입니다'],
  [/^is required together with what else was given$/, () => '함께 입력한 항목이 있으면 이 항목도 필요합니다'],
  [/^is not a known field$/, () => '알 수 없는 필드입니다'],
  [/^must not be empty$/, () => '비워 둘 수 없습니다'],
  [/^must have (\d+) (\w+) or more$/, (n, what) => `${n}${unit(what)} 이상이어야 합니다`],
  [/^must have (\d+) (\w+) at most$/, (n, what) => `${n}${unit(what)} 이하여야 합니다`],
  [/^must have at most (\d+) (\w+)$/, (n, what) => `${n}${unit(what)} 이하여야 합니다`],
  [/^has more than (\d+) fields$/, (n) => `필드가 ${n}개보다 많습니다`],
  [/^must have (\d+) to (\d+) characters$/, (from, to) => `${from}~${to}자여야 합니다`],
  [/^must not have an item twice$/, () => '같은 항목을 두 번 쓸 수 없습니다'],
  [
    /^must be a (whole )?number from (\S+) to (\S+)$/,
    (whole, from, to) => `${from}~${to}의 ${number(whole)}여야 합니다`,
  ],
  [/^must be a (whole )?number, (.+)$/, (whole, limits) => `${bound(limits)}의 ${number(whole)}여야 합니다`],
  [/^must be a multiple of (\S+)$/, (n) => `${n}의 배수여야 합니다`],
  [/^is not accepted; an example is (.+)$/s, (example) => `허용되지 않는 값입니다(예: ${example})`],
  [/^is not accepted$/, () => '허용되지 않는 값입니다'],
  [/^must be at most (\d+) bytes as JSON$/, (n) => `JSON으로 ${n}바이트 이하여야 합니다`],
  [
    /^must be at most (\d+) bytes as JSON together with the defaults of its group$/,
    (n) => `그룹의 기본값을 합쳐 JSON으로 ${n}바이트 이하여야 합니다`,
  ],
  [/^must not be nested deeper than (\d+) levels$/, (n) => `중첩은 ${n}단계까지만 할 수 있습니다`],
  [/^must not have more than (\d+) values in all$/, (n) => `값은 모두 ${n}개까지만 쓸 수 있습니다`],
  [/^must not have a key __proto__$/, () => '__proto__ 키를 쓸 수 없습니다'],
  [/^must be Unicode; it holds half a surrogate pair$/, () => '올바른 유니코드가 아닙니다'],
  [
    /^must be sent as a string: a whole number beyond 2\^53 would be rounded$/,
    () => '2^53보다 큰 정수는 반올림되므로 문자열로 써야 합니다',
  ],
  [
    /^must be (given|left out) for (\w+)$/,
    (what, c) => `${where(c)} ${what === 'given' ? '필요합니다' : '쓸 수 없습니다'}`,
  ],
  [/^must be \[low, high\] for (\w+)$/, (c) => `${where(c)} 하한과 상한이 필요합니다`],
  [/^must be a number for (\w+)$/, (c) => `${where(c)} 숫자여야 합니다`],
  [
    /^must be a number, a boolean or a string for (\w+)$/,
    (c) => `${where(c)} 숫자, 참/거짓, 문자열 중 하나여야 합니다`,
  ],
  [/^must be (\d+) or more for (\w+)$/, (n, c) => `${where(c)} ${n} 이상이어야 합니다`],
  [
    /^must have its low (below|not above) its high$/,
    (how) => (how === 'below' ? '하한은 상한보다 작아야 합니다' : '하한은 상한보다 클 수 없습니다'),
  ],
  [
    /^must lie (within|around) the threshold$/,
    (how) => (how === 'within' ? '임계값 범위 안에 있어야 합니다' : '임계값 범위를 감싸야 합니다'),
  ],
  [
    /^must not be (above|below) the threshold$/,
    (how) => (how === 'above' ? '임계값보다 클 수 없습니다' : '임계값보다 작을 수 없습니다'),
  ],
  [/^must be (\d+) days after the start at the most$/, (n) => `시작에서 ${n}일 이내여야 합니다`],
  [/^must be another: only telemetry can be replayed$/, () => '텔레메트리로 판정하는 조건이어야 합니다'],
  [/^must be ids of active users, which (.+) (?:is|are) not$/, (ids) => `활성 사용자가 아닌 ID가 있습니다: ${ids}`],
  [/^must name nobody but you in the rule of a USER$/, () => '일반 사용자의 규칙은 자신에게만 알릴 수 있습니다'],
  [/^must not have webhook in the rule of a USER$/, () => '일반 사용자의 규칙에는 웹훅을 쓸 수 없습니다'],
  [/^must name the device_id of a device that you own$/, () => '자신이 소유한 디바이스를 지정해야 합니다'],
  [
    /^must (?:have|name) exactly one of (.+)$/,
    (names) => `${names.replace(' and ', ', ')} 가운데 하나만 지정해야 합니다`,
  ],
  [/^must not be for fewer devices than the one before$/, () => '이전 단계보다 디바이스가 적을 수 없습니다'],
  [/^must say either percent or devices$/, () => '비율이나 대수 가운데 하나만 지정해야 합니다'],
  [/^must say ratio, bound, or both$/, () => '배수나 기준값을 하나 이상 지정해야 합니다'],
  [/^must be that of the firmware, (.+)$/s, (type) => `펌웨어의 디바이스 종류인 ${type}만 허용됩니다`],
  [/^must not be given together with uid_pattern$/, () => 'uid_pattern과 함께 쓸 수 없습니다'],
  [/^must not be placed twice$/, () => '같은 위젯을 두 번 놓을 수 없습니다'],
  [/^must not be that of another widget$/, () => '다른 위젯의 ID와 같을 수 없습니다'],
  [/^must not be the e-mail address$/, () => '이메일 주소와 같을 수 없습니다'],
  [
    /^is one of the commonest passwords, which are guessed first: choose another one$/,
    () => '너무 흔한 비밀번호입니다. 다른 비밀번호를 쓰세요',
  ],
  [/^is not the current password$/, () => '현재 비밀번호가 아닙니다'],
  [/^is not your password$/, () => '비밀번호가 맞지 않습니다'],
  [/^is not a code that is good now$/, () => '지금 유효한 코드가 아닙니다'],
  [/^is taken by another device$/, () => '다른 디바이스가 사용 중입니다'],
  [/^is also that of row (\d+)$/, (row) => `${row}행과 같습니다`],
  [/^has a value and no heading; found (.+)$/s, (found) => `열 제목이 없는 값이 있습니다: ${found}`],
  [
    /^must be a JSON object such as (.+); found (.+)$/s,
    (example, found) => `JSON 객체여야 합니다(예: ${example}). 입력한 값: ${found}`,
  ],
  [
    /^was not stored, because a part of the system is away; try again$/,
    () => '구성 요소가 응답하지 않아 저장하지 못했습니다. 다시 시도하세요',
  ],
  [/^must be one of (.+)$/s, (list) => `${list} 중 하나여야 합니다`],
  [/^must be (.+)$/s, (what) => only(ACCEPTED[what] ?? typesOf(what))],
  // One value of an enumeration.
  [/^must be ([\w-]+)$/, only],
];
