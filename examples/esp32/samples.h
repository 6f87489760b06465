/** Telemetry that the server has not stored yet, in files of LittleFS. No Arduino in here: it is tested on a PC. */
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

/**
 * A queue of lines. Each is on flash before it is sent, and leaves when it and all before it are acknowledged. A file holds
 * a few lines and is deleted when all of them have left, so that no file is ever rewritten: after a power cut some lines may be
 * sent again, which their time stamps make harmless. When the queue is full, the oldest file goes.
 */
class SampleQueue {
 public:
  SampleQueue(std::string folder, size_t maxFiles, size_t linesPerFile = 64)
      : folder(std::move(folder)), maxFiles(maxFiles), linesPerFile(linesPerFile) {}

  /** Finds what an earlier run has left. */
  void open() {
    mkdir(folder.c_str(), 0755);
    if (DIR* listing = opendir(folder.c_str())) {
      while (const dirent* entry = readdir(listing)) {
        const auto first = static_cast<uint32_t>(strtoul(entry->d_name, nullptr, 10));
        if (first > 0) files.push_back({first, 0});
      }
      closedir(listing);
    }
    std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.first < b.first; });
    for (File& file : files) file.count = readLines(file).size();
    for (const File& file : files) {
      if (file.count == 0) remove(pathOf(file).c_str());
    }
    files.erase(std::remove_if(files.begin(), files.end(), [](const File& file) { return file.count == 0; }), files.end());
    end = files.empty() ? 1 : files.back().first + files.back().count;
    head = cursor = files.empty() ? end : files.front().first;
    // The last line of the last file may have been cut short: nothing is appended behind it.
    mayAppend = false;
  }

  /** @param line without a line break */
  void add(const std::string& line) {
    if (!mayAppend || files.empty() || files.back().count >= linesPerFile) {
      while (files.size() >= maxFiles) dropOldestFile();
      files.push_back({end, 0});
    }
    while (!append(files.back(), line)) {
      // The file system is full. What was written of the line has no end: it is not read, and nothing goes behind it.
      if (files.back().count == 0) {
        remove(pathOf(files.back()).c_str());
        files.pop_back();
      }
      if (files.empty()) {
        ++lost;
        return;
      }
      dropOldestFile();
      files.push_back({end, 0});
    }
    mayAppend = true;
    if (loadedFrom == files.back().first) loaded.push_back(line);
    ++files.back().count;
    ++end;
  }

  /** Lines that have not left. */
  size_t size() const { return end - head; }
  /** Lines that had to go because the queue was full, since the start. */
  uint32_t dropped() const { return lost; }
  size_t inFlight() const { return flight.size(); }

  /** The next line to send. @returns false when all of them are under way */
  bool next(std::string& line) {
    const auto file = std::find_if(files.begin(), files.end(), [this](const File& each) {
      return cursor >= each.first && cursor < each.first + each.count;
    });
    if (file == files.end()) return false;
    if (loadedFrom != file->first) {
      loaded = readLines(*file);
      loadedFrom = file->first;
    }
    const size_t at = cursor - file->first;
    if (at >= loaded.size()) return false;
    line = loaded[at];
    return true;
  }

  /** The line of `next` went out as this message. */
  void sent(int messageId) { flight.push_back({cursor++, messageId, false}); }

  /** @returns whether it was one of these messages */
  bool acknowledged(int messageId) {
    const auto found = std::find_if(flight.begin(), flight.end(), [messageId](const Flight& each) {
      return each.messageId == messageId && !each.isDone;
    });
    if (found == flight.end()) return false;
    found->isDone = true;
    while (!flight.empty() && flight.front().isDone) {
      head = flight.front().id + 1;
      flight.pop_front();
    }
    while (!files.empty() && head >= files.front().first + files.front().count) removeOldestFile();
    return true;
  }

  /** The connection is gone: what was under way is sent again. */
  void disconnected() {
    flight.clear();
    cursor = head;
  }

 private:
  struct File {
    uint32_t first;
    size_t count;
  };
  struct Flight {
    uint32_t id;
    int messageId;
    bool isDone;
  };

  const std::string folder;
  const size_t maxFiles;
  const size_t linesPerFile;
  std::deque<File> files;
  std::deque<Flight> flight;
  uint32_t head = 1;    // the oldest line that has not left
  uint32_t cursor = 1;  // the next one to send
  uint32_t end = 1;     // the next one to be written
  uint32_t lost = 0;
  bool mayAppend = false;
  std::vector<std::string> loaded;
  uint32_t loadedFrom = 0;

  std::string pathOf(const File& file) const {
    char name[16];
    snprintf(name, sizeof name, "/%010u", static_cast<unsigned>(file.first));
    return folder + name;
  }

  bool append(const File& file, const std::string& line) const {
    FILE* stream = fopen(pathOf(file).c_str(), "a");
    if (stream == nullptr) return false;
    const bool isWritten = fputs(line.c_str(), stream) >= 0 && fputc('\n', stream) == '\n';
    // LittleFS commits on close.
    return fclose(stream) == 0 && isWritten;
  }

  /** Whole lines: what a power cut left without its end is none. */
  std::vector<std::string> readLines(const File& file) const {
    std::vector<std::string> lines;
    FILE* stream = fopen(pathOf(file).c_str(), "r");
    if (stream == nullptr) return lines;
    std::string line;
    for (int c = fgetc(stream); c != EOF; c = fgetc(stream)) {
      if (c == '\n') {
        lines.push_back(line);
        line.clear();
      } else {
        line += static_cast<char>(c);
      }
    }
    fclose(stream);
    return lines;
  }

  void removeOldestFile() {
    remove(pathOf(files.front()).c_str());
    files.pop_front();
  }

  void dropOldestFile() {
    const uint32_t after = files.front().first + files.front().count;
    removeOldestFile();
    if (after <= head) return;
    lost += after - head;
    head = after;
    cursor = std::max(cursor, head);
    flight.erase(std::remove_if(flight.begin(), flight.end(), [this](const Flight& each) { return each.id < head; }),
                 flight.end());
  }
};
