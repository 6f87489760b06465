import { commonErrors } from '#kernel/errors.ts';

export const EMAIL_PATTERN = '^\\s*[^\\s@]+@[^\\s@.]+(\\.[^\\s@.]+)+\\s*$';

/** @throws AppError `invalid_input` */
export function normalizeEmail(email: string): string {
  const normalized = email.trim().toLowerCase();
  if (normalized.length > 254 || !new RegExp(EMAIL_PATTERN).test(normalized)) {
    throw invalid('/email', 'must be an e-mail address');
  }
  return normalized;
}

function invalid(path: string, message: string) {
  return commonErrors.invalid_input({ details: { fields: [{ path, message }] } });
}

export const PASSWORD_LENGTH = { minLength: 8, maxLength: 128 } as const;

/**
 * The commonest passwords of at least eight characters in the lists of what leaked elsewhere: what is guessed first.
 * Compared in lower case. A list of millions would be a service to ask; these few take the cheapest guesses away.
 */
const COMMONEST: ReadonlySet<string> = new Set(
  `00000000 0123456789 01234567 09876543 0987654321 10203040 102030405060 11111111 1111111111 11112222 11223344 1122334455
  12121212 123123123 12312312 12341234 1234512345 12345678 123456789 1234567890 12345678910 123456789a 1234567a 1234qwer
  123654789 123qweasd 12qwaszx 13131313 147258369 159357159 18436572 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc 1qazxsw2
  20202020 21212121 22222222 23232323 31415926 33333333 44444444 55555555 66666666 77777777 789456123 87654321 88888888
  987654321 9876543210 99999999 999999999 a1234567 a12345678 a1b2c3d4 aa123456 aa12345678 aaaaaaaa abc12345 abc123456
  abcd1234 abcdefgh access14 admin123 admin1234 admin12345 adminadmin administrator alexander asd12345 asdasdasd asdf1234
  asdfasdf asdfghjk asdfghjkl babygirl baseball basketball benjamin bigdaddy blink182 butterfly caroline changeme
  changeme1 changeme123 charlie1 chocolate christian computer corvette creative danielle december default1 drowssap
  einstein elephant facebook fernando football football1 garfield google123 gwerty123 hello123 helloworld iloveyou
  iloveyou1 iloveyou2 internet jennifer jessica1 jonathan jordan23 justdoit kimberly letmein1 letmein123 liverpool
  loveyou1 lovelove manchester marlboro maverick mercedes metallica michael1 michelle midnight minecraft monkey123
  mustang1 naruto123 nicholas november p@ssw0rd p@ssword pa55word pakistan pass1234 passw0rd passw0rd1 password password!
  password. password0 password01 password1 password1! password11 password12 password123 password1234 password12345
  password2 password3 patricia pokemon1 princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qazwsx123 qqww1122 qwer1234
  qwerasdf qwerqwer qwert123 qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop qwertyuiop123 raspberry redskins root1234
  rootroot samantha samsung1 sandra123 scorpion secret123 september snowball spiderman starwars startrek steelers
  sunshine sunshine1 superman superman1 superuser swordfish test1234 test12345 testtest thunder1 trustno1 veronica
  victoria welcome1 welcome123 whatever william1 xxxxxxxx yankees1 zaq12wsx zaq1zaq1 zxcvbnm1 zxcvbnm123 zzzzzzzz`
    .trim()
    .split(/\s+/),
);

/**
 * @param path of the field, for the message
 * @throws AppError `invalid_input`: too short, too long, one of the commonest, or the user's own e-mail address
 */
export function assertPassword(password: string, email: string, path: string): void {
  const message = whatIsWrong(password, email);
  if (message !== null) throw commonErrors.invalid_input({ details: { fields: [{ path, message }] } });
}

function whatIsWrong(password: string, email: string): string | null {
  const length = [...password].length;
  if (length < PASSWORD_LENGTH.minLength || length > PASSWORD_LENGTH.maxLength) return 'must have 8 to 128 characters';
  const folded = password.trim().toLowerCase();
  if (COMMONEST.has(folded)) return 'is one of the commonest passwords, which are guessed first: choose another one';
  const [mailbox] = email.split('@');
  if (folded === email || folded === mailbox) return 'must not be the e-mail address';
  return null;
}
