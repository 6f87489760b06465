/**
 * A new image: fetched, started, confirmed or given up.
 * https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/system/ota.html#app-rollback
 */
#pragma once

#include <Arduino.h>
#include <Preferences.h>

#include <algorithm>
#include <functional>
#include <string>

#include "claim.h"
#include "download.h"
#include "flash.h"
#include "network.h"
#include "settings.h"

class Updates {
 public:
  explicit Updates(Preferences& store) : store(store) {}

  /** After a start: which of the images runs? */
  void begin() {
    onTrial = isOnTrial();
    if (!onTrial) settle();
  }

  /** Of the newest image that has worked, or is on trial. */
  int64_t sequence() const { return store.getLong64(onTrial ? "new_sequence" : "sequence", 0); }

  /** Takes minutes. @returns what went wrong; "": the image is here, and is what was signed */
  std::string fetch(const Offer& offer, const Credentials& login, const std::function<void(int percent)>& progress) {
    OtherSlot slot;
    if (stored(store, "ota_sha256") != offer.sha256) {
      store.putUInt("ota_offset", 0);
      store.putString("ota_sha256", offer.sha256.c_str());
    }
    Download download(slot, offer, store.getUInt("ota_offset", 0), [this](size_t written) { store.putUInt("ota_offset", written); });
    int tries = 0;
    int told = download.percent();
    while (!download.isComplete()) {
      const size_t before = download.offset();
      bool isFirst = true, isImage = false, isBroken = false;
      Request request;
      request.url = offer.url;
      request.login = &login;
      request.header = "Range";
      request.value = "bytes=" + std::to_string(before) + "-";
      request.onData = [&](int status, const char* data, size_t length) {
        if (isFirst) isImage = download.answered(status);
        isFirst = false;
        if (!isImage || isBroken) return;
        isBroken = !download.take(reinterpret_cast<const unsigned char*>(data), length);
        if (download.percent() / 10 > told / 10) progress(told = download.percent());
      };
      const int status = request.perform();
      if (isBroken) return "the image does not fit, or the flash failed";
      if (status >= 400 && status < 500 && status != 429) return "the server answered " + std::to_string(status);
      tries = download.offset() > before ? 0 : tries + 1;
      if (tries == 10) return "the image could not be fetched";
      if (!download.isComplete()) delay(1000u << std::min(tries, 5));
    }
    if (download.isGenuine()) return "";
    store.remove("ota_sha256");
    return "what was downloaded is not what was signed";
  }

  /** Restarts into it. @returns why that cannot be done */
  std::string install(const Offer& offer) {
    store.putLong64("new_sequence", offer.sequence);
    store.putString("new_version", offer.version.c_str());
    store.remove("ota_sha256");
    if (!OtherSlot().choose()) {
      store.remove("new_version");
      return "not an image for this chip";
    }
    Serial.printf("restart into %s\n", offer.version.c_str());
    ESP.restart();
    return "";
  }

  /** A new image has to reach the server in time, and to be the version that it was offered as. */
  void judge(bool hasReported) {
    if (!onTrial) return;
    const bool isAnother = stored(store, "new_version") != FIRMWARE_VERSION;
    if (hasReported && !isAnother) {
      esp_ota_mark_app_valid_cancel_rollback();
    } else if (isAnother || millis() > CONFIRM_SECONDS * 1000UL) {
      Serial.println("back to the image before");
      esp_ota_mark_app_invalid_rollback_and_reboot();
    } else {
      return;
    }
    onTrial = false;
    settle();
  }

 private:
  Preferences& store;
  bool onTrial = false;

  /** Whatever runs now stays: the new image, or the one before. */
  void settle() {
    if (stored(store, "new_version") == FIRMWARE_VERSION) store.putLong64("sequence", store.getLong64("new_sequence", 0));
    store.remove("new_version");
  }
};
