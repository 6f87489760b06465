"""What has to survive a power cut, in one SQLite file."""

import json
import sqlite3

MESSAGES_KEPT = 100_000  # while offline; beyond that the oldest are dropped
COMMANDS_KEPT = 1_000


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(
            """
            CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT, payload TEXT);
            CREATE TABLE IF NOT EXISTS commands (n INTEGER PRIMARY KEY, command_id TEXT UNIQUE, answer TEXT);
            CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
            """
        )

    # Messages that the server has not acknowledged yet.

    def put(self, channel, message):
        with self.db:
            self._put(channel, message)

    def _put(self, channel, message):
        row = self.db.execute("INSERT INTO outbox (channel, payload) VALUES (?, ?)", (channel, json.dumps(message)))
        self.db.execute("DELETE FROM outbox WHERE id <= ?", (row.lastrowid - MESSAGES_KEPT,))

    def waiting(self, after, limit):
        query = "SELECT id, channel, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        return self.db.execute(query, (after, limit)).fetchall()

    def remove(self, message_id):
        with self.db:
            self.db.execute("DELETE FROM outbox WHERE id = ?", (message_id,))

    # Commands that were begun. One without an answer is being carried out, or was when the power went.

    def begin(self, command_id):
        with self.db:
            row = self.db.execute("INSERT INTO commands (command_id) VALUES (?)", (command_id,))
            self.db.execute("DELETE FROM commands WHERE n <= ?", (row.lastrowid - COMMANDS_KEPT,))

    def finish(self, command_id, answer):
        """The answer is remembered and waits to be sent: both or neither."""
        with self.db:
            update = "UPDATE commands SET answer = ? WHERE command_id = ?"
            self.db.execute(update, (json.dumps(answer), command_id))
            self._put("response", answer)

    def answer_to(self, command_id):
        query = "SELECT answer FROM commands WHERE command_id = ? AND answer IS NOT NULL"
        row = self.db.execute(query, (command_id,)).fetchone()
        return None if row is None else json.loads(row[0])

    def unfinished(self):
        return [row[0] for row in self.db.execute("SELECT command_id FROM commands WHERE answer IS NULL")]

    # Everything else, by name.

    def remember(self, name, value):
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def recall(self, name):
        row = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])
