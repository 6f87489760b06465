/** Which commands were carried out, and what was answered, across restarts. No Arduino in here. */
#pragma once

#include <cstdio>
#include <deque>
#include <string>

/** One small file, replaced as a whole by a rename: it is either the old one or the new one. */
class CommandJournal {
 public:
  struct Entry {
    std::string id;
    std::string answer;  // JSON; "" while the command is carried out
    bool isAcknowledged;
    int messageId;  // of the answer that is under way; -1: none
  };

  explicit CommandJournal(std::string path, size_t kept = 32) : path(std::move(path)), kept(kept) {}

  void open() {
    FILE* file = fopen(path.c_str(), "r");
    if (file == nullptr) return;
    std::string line;
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
      if (c != '\n') {
        line += static_cast<char>(c);
        continue;
      }
      const size_t space = line.find(' ');
      if (space != std::string::npos && space + 2 <= line.size()) {
        entries.push_back({line.substr(0, space), line.substr(space + 2), line[space + 1] == '1', -1});
      }
      line.clear();
    }
    fclose(file);
  }

  /** @returns whether it is written: a command may only be carried out then */
  bool begin(const std::string& id) {
    while (entries.size() >= kept) removeOldest();
    entries.push_back({id, "", false, -1});
    return write();
  }

  void finish(const std::string& id, const std::string& answer) {
    if (Entry* entry = find(id)) {
      entry->answer = answer;
      write();
    }
  }

  /** @returns null when the command is new */
  Entry* find(const std::string& id) {
    for (Entry& entry : entries) {
      if (entry.id == id) return &entry;
    }
    return nullptr;
  }

  /** An answer that has to be sent now. */
  Entry* unsent() {
    for (Entry& entry : entries) {
      if (!entry.answer.empty() && !entry.isAcknowledged && entry.messageId < 0) return &entry;
    }
    return nullptr;
  }

  /** A command that was begun and has no answer. */
  Entry* unfinished() {
    for (Entry& entry : entries) {
      if (entry.answer.empty()) return &entry;
    }
    return nullptr;
  }

  bool acknowledged(int messageId) {
    for (Entry& entry : entries) {
      if (entry.messageId != messageId) continue;
      entry.messageId = -1;
      entry.isAcknowledged = true;
      write();
      return true;
    }
    return false;
  }

  size_t inFlight() const {
    size_t count = 0;
    for (const Entry& entry : entries) count += entry.messageId >= 0 ? 1 : 0;
    return count;
  }

  void disconnected() {
    for (Entry& entry : entries) entry.messageId = -1;
  }

 private:
  const std::string path;
  const size_t kept;
  std::deque<Entry> entries;

  /** One whose answer has arrived, if there is one. */
  void removeOldest() {
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
      if (!entry->isAcknowledged) continue;
      entries.erase(entry);
      return;
    }
    entries.pop_front();
  }

  bool write() const {
    const std::string next = path + ".new";
    FILE* file = fopen(next.c_str(), "w");
    if (file == nullptr) return false;
    bool isWritten = true;
    for (const Entry& entry : entries) {
      const std::string line = entry.id + (entry.isAcknowledged ? " 1" : " 0") + entry.answer + "\n";
      isWritten = fputs(line.c_str(), file) >= 0 && isWritten;
    }
    return fclose(file) == 0 && isWritten && rename(next.c_str(), path.c_str()) == 0;
  }
};
