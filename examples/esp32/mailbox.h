/** What other tasks (MQTT client, command, download) tell the loop. Everything else happens in the loop alone. */
#pragma once

#include <deque>
#include <mutex>
#include <string>

struct Letter {
  enum Kind {
    Connected,
    Disconnected,
    Published,  // number: id of the message
    Message,    // name: the channel, text: the payload
    Refused,    // number: return code of the CONNACK
    CommandProgress,  // number: percent
    CommandDone,      // name: "success" or "error", text: result (JSON) or reason
    DownloadProgress,  // number: percent
    DownloadDone,      // text: "" or what went wrong
  };
  Kind kind;
  int number;
  std::string name;
  std::string text;
};

class Mailbox {
 public:
  void put(Letter::Kind kind, int number = 0, std::string name = "", std::string text = "") {
    const std::lock_guard<std::mutex> guard(mutex);
    letters.push_back({kind, number, std::move(name), std::move(text)});
  }

  bool take(Letter& letter) {
    const std::lock_guard<std::mutex> guard(mutex);
    if (letters.empty()) return false;
    letter = std::move(letters.front());
    letters.pop_front();
    return true;
  }

 private:
  std::mutex mutex;
  std::deque<Letter> letters;
};
