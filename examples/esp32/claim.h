/** The first start: the device registers itself. */
#pragma once

#include <Arduino.h>
#include <Preferences.h>
#include <WiFi.h>
#include <sodium.h>

#include <algorithm>
#include <string>

#include "json.h"
#include "network.h"
#include "offer.h"
#include "settings.h"

inline std::string stored(Preferences& store, const char* key) { return store.getString(key, "").c_str(); }

/** Unique, and the same at every start. */
inline std::string deviceUid() {
  std::string uid = "esp32-";
  for (const char c : std::string(WiFi.macAddress().c_str())) {
    if (c != ':') uid += static_cast<char>(tolower(c));
  }
  return uid;
}

/** Asks with the same key until the credentials are kept, so that the server makes one device. @returns whether they are */
inline bool claimCredentials(Preferences& store) {
  std::string key = stored(store, "claim_key");
  if (key.empty()) {
    unsigned char random[16];
    randombytes_buf(random, sizeof random);
    key = toHex(random, sizeof random);
    store.putString("claim_key", key.c_str());
  }
  const Json claim = newObject();
  set(claim, "token", std::string(CLAIM_TOKEN));
  set(claim, "device_uid", deviceUid());
  std::string answer;
  Request request;
  request.url = std::string(API_URL) + "/provision";
  request.body = print(claim);
  request.header = "Idempotency-Key";
  request.value = key;
  request.onData = [&answer](int, const char* data, size_t length) {
    answer.append(data, std::min(length, 8192 - answer.size()));
  };
  const int status = request.perform();
  const Json json = parseObject(answer);
  const std::string uid = textOf(json, "username"), secret = textOf(json, "password"), code = textOf(json, "code");
  if (status / 100 == 2 && !secret.empty()) {
    store.putString("uid", uid.c_str());
    store.putString("secret", secret.c_str());
    store.remove("claim_key");
    return true;
  }
  Serial.printf("not provisioned: %d %s\n", status, code.c_str());
  if (code == "claim_device_gone" || code == "claim_key_reused") store.remove("claim_key");
  return false;
}
