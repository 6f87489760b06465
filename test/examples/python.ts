import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'core-api');

/** With what examples/python needs; made by test/services/python.sh. */
export const PYTHON = process.env['TEST_PYTHON'] ?? join(CACHE, 'python-examples/bin/python');
