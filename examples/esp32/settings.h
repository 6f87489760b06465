/** Yours to fill in. */
#pragma once

#include <string>
#include <vector>

/** What this image is: the device_type and version that it is uploaded with. */
#define DEVICE_TYPE "sensor"
#define FIRMWARE_VERSION "1.0.0"

/** Blinks by command. */
#define LED_PIN 2

#define WIFI_SSID ""
#define WIFI_PASSWORD ""
#define NTP_SERVER "pool.ntp.org"

#define API_URL "https://iot.example.com/api/v1"
#define MQTT_URI "mqtts://iot.example.com:8883"
/** PEM of the authority that signed the server's certificate; nullptr only with http:// and mqtt://. */
static const char* const SERVER_CA = R"(-----BEGIN CERTIFICATE-----
-----END CERTIFICATE-----
)";

/** Of a claim (docs/provisioning.md): with it the device registers itself at its first start. */
#define CLAIM_TOKEN ""

/** Whose firmware is installed: the `public_key` of each, from GET /api/v1/firmware-keys. */
static const std::vector<std::string> FIRMWARE_KEYS = {""};

/** A new image that has not reported itself to the server by then is given up for the one before. */
#define CONFIRM_SECONDS 600

/** Where LittleFS is mounted, and how many files of 64 samples wait there while the server is away: about 8 KiB each. */
#define STORAGE "/littlefs"
#define SAMPLE_FILES 10
