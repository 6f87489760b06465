/** What the device says to core-api and does on its word. No Arduino in here: network, flash and tasks are hooks. */
#pragma once

#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <string>

#include "journal.h"
#include "json.h"
#include "offer.h"
#include "samples.h"

struct Configuration {
  int64_t version = -1;
  double intervalSeconds = 10;
};

struct Command {
  std::string id;
  std::string name;
  std::string params;  // JSON
  std::string expiresAt;
};

struct Hooks {
  /** Publishes on devices/{uid}/{channel} with QoS 1. @returns the id of the message; below 0: not now */
  std::function<int(const std::string& channel, const std::string& payload)> publish;
  /** Begins a command; `commandProgress` and `commandDone` follow. */
  std::function<void(const Command&)> carryOut;
  /** Keeps a configuration for the next start. */
  std::function<void(const Configuration&)> keep;
  /** Begins a download; `downloadProgress` and `downloadDone` follow. */
  std::function<void(const Offer&)> download;
  /** Restarts into what was downloaded. @returns why that cannot be done */
  std::function<std::string(const Offer&)> install;
};

/** @param now epoch milliseconds @returns "2026-11-27T06:40:00.000Z" */
inline std::string toIso(int64_t now) {
  const auto seconds = static_cast<time_t>(now / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char date[24], text[32];
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(now % 1000));
  return text;
}

class Device {
 public:
  static constexpr size_t IN_FLIGHT = 20;
  static constexpr int64_t UNANSWERED_MS = 60000;
  static constexpr size_t ORDERS_BYTES = 32768;  // of commands that wait

  Device(Installed installed, Configuration configuration, SampleQueue& samples, CommandJournal& journal, Hooks hooks)
      : installed(std::move(installed)), configuration(configuration), samples(samples), journal(journal), hooks(hooks) {
    while (CommandJournal::Entry* entry = journal.unfinished()) {
      journal.finish(entry->id, answerTo(entry->id, "error", "error", "interrupted by a restart of the device"));
    }
  }

  /** The server has stored what this device is since it started: it works. */
  bool hasReported() const { return isReported; }
  double intervalSeconds() const { return configuration.intervalSeconds; }
  bool isConnected() const { return isOnline; }

  void sample(Json metrics, int64_t now) {
    const Json message = newObject();
    // With its own time stamp, so that a sample that is sent twice is stored once.
    set(message, "timestamp", static_cast<double>(now));
    set(message, "metrics", std::move(metrics));
    samples.add(print(message));
    sendWaiting(now);
  }

  void connected(int64_t now) {
    isOnline = true;
    sendWaiting(now);
  }

  void disconnected() {
    isOnline = false;
    forgetInFlight();
  }

  /** Now and then: what could not be sent before. */
  void tick(int64_t now) {
    if (inFlight() > 0 && now - lastHeard > UNANSWERED_MS) forgetInFlight();
    sendWaiting(now);
    carryOutNext(now);
  }

  void acknowledged(int messageId, int64_t now) {
    lastHeard = now;
    if (messageId == statusId) {
      statusId = -1;
      isReported = true;
    } else if (messageId == installingId) {
      installingId = -1;
      const std::string failure = hooks.install(offer);
      step = Step::Idle;
      report("error", "error", failure);
    } else if (!samples.acknowledged(messageId)) {
      journal.acknowledged(messageId);
    }
    sendWaiting(now);
  }

  void received(const std::string& channel, const std::string& payload, int64_t now) {
    if (channel == "command") {
      order(payload, now);
    } else if (channel == "config") {
      configure(payload);
    } else if (channel == "ota") {
      consider(payload, now);
    }
  }

  void commandProgress(int percent) {
    if (percent == lastPercent) return;
    lastPercent = percent;
    const Json message = newObject();
    set(message, "command_id", running);
    set(message, "status", "progress");
    set(message, "progress", static_cast<double>(percent));
    hooks.publish("response", print(message));
  }

  /** @param text of a success its result in JSON, of an error the reason */
  void commandDone(bool isSuccess, const std::string& text, int64_t now) {
    journal.finish(running, isSuccess ? answerTo(running, "success", "result", parseObject(text))
                                      : answerTo(running, "error", "error", text));
    running.clear();
    sendWaiting(now);
    carryOutNext(now);
  }

  void downloadProgress(int percent) { report("downloading", "progress", static_cast<double>(percent)); }

  void downloadDone(const std::string& failure, int64_t now) {
    if (failure.empty()) {
      report("downloaded", "progress", 100.0);
      step = Step::Installing;
    } else {
      report("error", "error", failure);
      step = Step::Idle;
    }
    sendWaiting(now);
  }

 private:
  enum class Step { Idle, Fetching, Installing };

  const Installed installed;
  Configuration configuration;
  SampleQueue& samples;
  CommandJournal& journal;
  const Hooks hooks;

  bool isOnline = false;
  bool isStatusSent = false;  // over this connection
  bool isReported = false;
  int statusId = -1;
  int installingId = -1;
  int64_t lastHeard = 0;
  uint32_t lostSamples = 0;  // as the server knows

  std::deque<Command> orders;
  std::string running;
  int lastPercent = -1;

  Step step = Step::Idle;
  Offer offer;

  size_t inFlight() const {
    return samples.inFlight() + journal.inFlight() + (statusId >= 0 ? 1 : 0) + (installingId >= 0 ? 1 : 0);
  }

  void forgetInFlight() {
    samples.disconnected();
    journal.disconnected();
    isStatusSent = false;
    statusId = installingId = -1;
  }

  /** @returns the id of the message; below 0: not now */
  int publish(const std::string& channel, const std::string& payload, int64_t now) {
    if (inFlight() == 0) lastHeard = now;
    return hooks.publish(channel, payload);
  }

  void sendWaiting(int64_t now) {
    if (!isOnline) return;
    if (!isStatusSent) {
      const Json message = newObject();
      set(message, "status", "ONLINE");
      set(message, "firmware_version", installed.version);
      statusId = publish("status", print(message), now);
      if (statusId < 0) return;
      isStatusSent = true;
    }
    while (CommandJournal::Entry* entry = journal.unsent()) {
      entry->messageId = publish("response", entry->answer, now);
      if (entry->messageId < 0) return;
    }
    // Only when the server knows that it is being installed, it can tell a version that was rolled back.
    if (step == Step::Installing && installingId < 0) {
      installingId = publish("response", answerToOffer("installing", "progress", 100.0), now);
    }
    if (samples.dropped() > lostSamples) {
      const std::string text = std::to_string(samples.dropped() - lostSamples) + " samples, as the queue was full";
      if (hooks.publish("log", logOf("samples_lost", text)) >= 0) lostSamples = samples.dropped();
    }
    std::string line;
    while (samples.inFlight() < IN_FLIGHT && samples.next(line)) {
      const int messageId = publish("telemetry", line, now);
      if (messageId < 0) return;
      samples.sent(messageId);
    }
  }

  template <typename Value>
  static std::string answerTo(const std::string& id, const char* status, const char* field, Value value) {
    const Json message = newObject();
    set(message, "command_id", id);
    set(message, "status", status);
    set(message, field, std::move(value));
    return print(message);
  }

  template <typename Value>
  std::string answerToOffer(const char* status, const char* field, Value value) const {
    const Json message = newObject();
    set(message, "campaign_id", static_cast<double>(offer.campaignId));
    set(message, "status", status);
    set(message, field, std::move(value));
    return print(message);
  }

  template <typename Value>
  void report(const char* status, const char* field, Value value) {
    hooks.publish("response", answerToOffer(status, field, std::move(value)));
  }

  void complain(const std::string& about) { hooks.publish("log", logOf("unreadable_message", about)); }

  static std::string logOf(const char* type, const std::string& text) {
    const Json message = newObject();
    set(message, "event_type", type);
    set(message, "level", "warning");
    set(message, "message", text);
    return print(message);
  }

  /** Commands are carried out one after the other, and each of them once: it may come again, also after a restart. */
  void order(const std::string& payload, int64_t now) {
    const Json json = parseObject(payload);
    Json params(json == nullptr ? nullptr : cJSON_DetachItemFromObjectCaseSensitive(json.get(), "params"));
    Command command{textOf(json, "command_id"), textOf(json, "command"), print(params), textOf(json, "expires_at")};
    if (command.id.empty() || command.id.find(' ') != std::string::npos) return complain("a command");
    size_t waiting = command.params.size();
    for (const Command& each : orders) waiting += each.params.size();
    if (waiting > ORDERS_BYTES) {
      if (journal.find(command.id) == nullptr && journal.begin(command.id)) {
        journal.finish(command.id, answerTo(command.id, "error", "error", "too many commands at once for this device"));
      }
      return sendWaiting(now);
    }
    orders.push_back(std::move(command));
    carryOutNext(now);
  }

  void carryOutNext(int64_t now) {
    while (running.empty() && !orders.empty()) {
      const Command command = std::move(orders.front());
      orders.pop_front();
      if (CommandJournal::Entry* known = journal.find(command.id)) {
        known->isAcknowledged = false;  // it is answered again
        known->messageId = -1;
      } else if (command.expiresAt > toIso(now) && journal.begin(command.id)) {
        running = command.id;
        lastPercent = -1;
        hooks.carryOut(command);
      }
    }
    sendWaiting(now);
  }

  void configure(const std::string& payload) {
    const Json json = parseObject(payload);
    const int64_t version = wholeOf(json, "version");
    const cJSON* config = json == nullptr ? nullptr : cJSON_GetObjectItemCaseSensitive(json.get(), "config");
    if (version < 0 || !cJSON_IsObject(config)) return complain("a configuration");
    const cJSON* interval = cJSON_GetObjectItemCaseSensitive(config, "interval_seconds");
    const double seconds = interval == nullptr ? 10 : cJSON_IsNumber(interval) ? interval->valuedouble : 0;
    const bool isFine = seconds > 0 && seconds <= 86400;
    if (isFine) {
      configuration = {version, seconds};
      hooks.keep(configuration);
    }
    Json has = newObject();
    set(has, "interval_seconds", configuration.intervalSeconds);
    const Json message = newObject();
    set(message, "config_version", static_cast<double>(version));
    // What is in the configuration and unknown here is left out: the server shows it as missing.
    set(message, "config", std::move(has));
    if (!isFine) set(message, "config_error", "interval_seconds is a number above 0, at most 86400");
    hooks.publish("status", print(message));
  }

  void consider(const std::string& payload, int64_t now) {
    Offer next;
    if (!readOffer(payload, next)) return complain("an offer of firmware");
    // Offered again after a lost connection: the download goes on by itself.
    if (step != Step::Idle) return;
    offer = next;
    if (offer.version == installed.version) {
      isStatusSent = false;  // the server did not hear that it is here already
      return sendWaiting(now);
    }
    const std::string refusal = refusalOf(offer, installed, toIso(now));
    if (!refusal.empty()) return report("rejected", "error", refusal);
    step = Step::Fetching;
    report("downloading", "progress", 0.0);
    hooks.download(offer);
  }
};
