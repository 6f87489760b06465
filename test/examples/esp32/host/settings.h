/** In the place of the sketch's settings.h: from the environment, so that one image serves every test. */
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#define DEVICE_TYPE "test"
#ifndef FIRMWARE_VERSION
#define FIRMWARE_VERSION "1.0.0"
#endif
#ifndef CONFIRM_SECONDS
#define CONFIRM_SECONDS 600
#endif

#define LED_PIN 2
#define WIFI_SSID "test"
#define WIFI_PASSWORD "test"
#define NTP_SERVER "pool.ntp.org"

inline std::string orEmpty(const char* text) { return text == nullptr ? "" : text; }

static const std::string URI = getenv("MQTT_URI") != nullptr ? getenv("MQTT_URI") : "mqtt://127.0.0.1:" + orEmpty(getenv("MQTT_PORT"));
#ifdef LOST
#define MQTT_URI "mqtt://127.0.0.1:1"
#else
#define MQTT_URI URI.c_str()
#endif
#define API_URL orEmpty(getenv("API_URL"))
static const char* const SERVER_CA = getenv("SERVER_CA");
#define CLAIM_TOKEN orEmpty(getenv("CLAIM_TOKEN"))
static const std::vector<std::string> FIRMWARE_KEYS = {orEmpty(getenv("FIRMWARE_KEY"))};
#define STORAGE (orEmpty(getenv("DEVICE_STORE")) + "/littlefs")
#define SAMPLE_FILES 64
