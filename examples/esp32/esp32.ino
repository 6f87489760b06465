/**
 * A device for core-api: telemetry that is never lost, commands that are carried out once, configuration, signed updates.
 * Fill in settings.h. Your sensors go into readSensors, your commands into COMMANDS.
 */
#include <Arduino.h>
#include <LittleFS.h>
#include <Preferences.h>
#include <WiFi.h>
#include <esp_pthread.h>
#include <sodium.h>

#include <map>
#include <thread>

#include "claim.h"
#include "device.h"
#include "mailbox.h"
#include "network.h"
#include "settings.h"
#include "updates.h"

SET_LOOP_TASK_STACK_SIZE(16 * 1024);

/** Put your own here: a name for each measurement, and a number, boolean or text. Also called from the task of a command. */
Json readSensors() {
  Json metrics = newObject();
  set(metrics, "chip_temperature", static_cast<double>(temperatureRead()));
  set(metrics, "wifi_rssi", static_cast<double>(WiFi.RSSI()));
  set(metrics, "free_heap", static_cast<double>(ESP.getFreeHeap()));
  return metrics;
}

using Progress = std::function<void(int percent)>;
/** Runs in a task of its own. @returns the result; null: `error` says why there is none */
using Action = Json (*)(const Json& params, const Progress& progress, std::string& error);

Json blink(const Json& params, const Progress& progress, std::string& error) {
  const bool isGiven = cJSON_HasObjectItem(params.get(), "times");
  const int64_t times = isGiven ? wholeOf(params, "times") : 3;
  if (times < 0) {
    error = "times is a whole number";
    return nullptr;
  }
  pinMode(LED_PIN, OUTPUT);
  for (int64_t done = 1; done <= times; ++done) {
    digitalWrite(LED_PIN, HIGH);
    delay(50);
    digitalWrite(LED_PIN, LOW);
    delay(50);
    progress(static_cast<int>(100 * done / times));
  }
  Json result = newObject();
  set(result, "blinked", static_cast<double>(times));
  return result;
}

Json measure(const Json&, const Progress&, std::string&) { return readSensors(); }

/** Put your own here. */
const std::map<std::string, Action> COMMANDS = {{"blink", blink}, {"measure", measure}};

Preferences store;  // NVS
Mailbox mailbox;
SampleQueue samples(std::string(STORAGE) + "/samples", SAMPLE_FILES);
CommandJournal journal(std::string(STORAGE) + "/commands");
Credentials login;
Updates updates(store);
Broker* broker = nullptr;
Device* device = nullptr;

int64_t now() {
  timeval at;
  gettimeofday(&at, nullptr);
  return static_cast<int64_t>(at.tv_sec) * 1000 + at.tv_usec / 1000;
}

void inTask(size_t stack, std::function<void()> work) {
  esp_pthread_cfg_t config = esp_pthread_get_default_config();
  config.stack_size = stack;
  esp_pthread_set_cfg(&config);
  std::thread(std::move(work)).detach();
}

void carryOut(const Command& command) {
  Serial.printf("command %s %s\n", command.name.c_str(), command.id.c_str());
  inTask(8 * 1024, [command] {
    const auto action = COMMANDS.find(command.name);
    std::string error = "this device does not know " + command.name;
    Json result;
    if (action != COMMANDS.end()) {
      error = "failed";
      result = action->second(parseObject(command.params), [](int percent) { mailbox.put(Letter::CommandProgress, percent); }, error);
    }
    mailbox.put(Letter::CommandDone, 0, result ? "success" : "error", result ? print(result) : error);
  });
}

/** The core would confirm every image that starts. This one does it itself, when the server has heard of it. */
extern "C" bool verifyRollbackLater() { return true; }

void handle(const Letter& letter) {
  switch (letter.kind) {
    case Letter::Connected:
      device->connected(now());
      broker->listen();
      break;
    case Letter::Disconnected: return device->disconnected();
    case Letter::Published: return device->acknowledged(letter.number, now());
    case Letter::Message: return device->received(letter.name, letter.text, now());
    case Letter::Refused: Serial.printf("refused: %d\n", letter.number); break;
    case Letter::CommandProgress: return device->commandProgress(letter.number);
    case Letter::CommandDone: return device->commandDone(letter.name == "success", letter.text, now());
    case Letter::DownloadProgress: return device->downloadProgress(letter.number);
    case Letter::DownloadDone: return device->downloadDone(letter.text, now());
  }
}

void setup() {
  Serial.begin(115200);
  LittleFS.begin(true);
  store.begin("core-api");
  if (sodium_init() < 0) Serial.println("libsodium does not start");
  WiFi.mode(WIFI_STA);
  WiFi.setAutoReconnect(true);
  WiFi.begin(WIFI_SSID, WIFI_PASSWORD);
  configTime(0, 0, NTP_SERVER);

  samples.open();
  journal.open();
  login = {stored(store, "uid"), stored(store, "secret")};
  updates.begin();
  const Configuration configuration{store.getLong64("config_version", -1), store.getDouble("interval", 10)};
  Hooks hooks;
  hooks.publish = [](const std::string& channel, const std::string& payload) {
    return broker == nullptr ? -1 : broker->publish(channel, payload);
  };
  hooks.carryOut = carryOut;
  hooks.keep = [](const Configuration& next) {
    store.putLong64("config_version", next.version);
    store.putDouble("interval", next.intervalSeconds);
  };
  hooks.download = [](const Offer& offer) {
    inTask(12 * 1024, [offer] {
      const auto progress = [](int percent) { mailbox.put(Letter::DownloadProgress, percent); };
      mailbox.put(Letter::DownloadDone, 0, "", updates.fetch(offer, login, progress));
    });
  };
  hooks.install = [](const Offer& offer) { return updates.install(offer); };
  const Installed installed{DEVICE_TYPE, FIRMWARE_VERSION, updates.sequence(), OtherSlot().size(), FIRMWARE_KEYS};
  device = new Device(installed, configuration, samples, journal, hooks);
}

void loop() {
  static uint32_t sampledAt = 0, triedAt = 0;
  static bool hasSampled = false, hasTried = false;
  updates.judge(device->hasReported());
  // By NTP. Without the time there is no time stamp, and no certificate can be judged.
  if (time(nullptr) < 1700000000) return delay(100);
  if (!login.secret.empty()) {
    if (broker == nullptr) {
      broker = new Broker(mailbox, login);
      broker->start();
    }
  } else if (WiFi.status() == WL_CONNECTED && (!hasTried || millis() - triedAt > 10000)) {
    if (claimCredentials(store)) login = {stored(store, "uid"), stored(store, "secret")};
    hasTried = true;
    triedAt = millis();
  }
  Letter letter;
  while (mailbox.take(letter)) handle(letter);
  if (!hasSampled || millis() - sampledAt >= device->intervalSeconds() * 1000) {
    hasSampled = true;
    sampledAt = millis();
    device->sample(readSensors(), now());
  }
  device->tick(now());
  delay(10);
}
