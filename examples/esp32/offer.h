/** Firmware that the server offers, and whether this device takes it. No Arduino in here. */
#pragma once

#include <sodium.h>

#include <cstdint>
#include <string>
#include <vector>

#include "json.h"

struct Offer {
  int64_t campaignId = -1;
  std::string version;
  int64_t sequence = -1;
  std::string url;
  int64_t size = -1;
  std::string sha256;  // hex
  std::string signature;  // base64
  std::string keyId;
  std::string notAfter;  // "2027-01-31T00:00:00.000Z", or ""
};

/** @returns false when a field is missing or of another kind */
inline bool readOffer(const std::string& payload, Offer& offer) {
  const Json json = parseObject(payload);
  if (json == nullptr) return false;
  offer.campaignId = wholeOf(json, "campaign_id");
  offer.version = textOf(json, "version");
  offer.sequence = wholeOf(json, "sequence");
  offer.url = textOf(json, "url");
  offer.size = wholeOf(json, "size");
  offer.sha256 = textOf(json, "sha256");
  offer.signature = textOf(json, "signature");
  offer.keyId = textOf(json, "key_id");
  offer.notAfter = textOf(json, "not_after");
  return offer.campaignId >= 0 && !offer.version.empty() && offer.sequence >= 0 && !offer.url.empty() && offer.size > 0 &&
         offer.sha256.size() == 64;
}

/** What is signed: canonical JSON (RFC 8785), which is what cJSON prints when the names are in order. */
inline std::string manifestOf(const Offer& offer, const std::string& deviceType) {
  const Json manifest = newObject();
  set(manifest, "device_type", deviceType);
  if (!offer.notAfter.empty()) set(manifest, "not_after", offer.notAfter);
  set(manifest, "sequence", static_cast<double>(offer.sequence));
  set(manifest, "sha256", offer.sha256);
  set(manifest, "size", static_cast<double>(offer.size));
  set(manifest, "version", offer.version);
  return print(manifest);
}

inline std::vector<unsigned char> fromBase64(const std::string& text) {
  std::vector<unsigned char> bytes(text.size() + 1);
  size_t length = 0;
  const int failed = sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr,
                                       sodium_base64_VARIANT_ORIGINAL);
  bytes.resize(failed == 0 ? length : 0);
  return bytes;
}

inline std::string toHex(const unsigned char* bytes, size_t length) {
  std::string hex(2 * length + 1, '\0');
  sodium_bin2hex(&hex[0], hex.size(), bytes, length);
  hex.pop_back();
  return hex;
}

/** @param keys raw Ed25519 public keys in base64, as GET /api/v1/firmware-keys shows them */
inline bool isSigned(const Offer& offer, const std::string& deviceType, const std::vector<std::string>& keys) {
  const std::vector<unsigned char> signature = fromBase64(offer.signature);
  if (signature.size() != crypto_sign_BYTES) return false;
  const std::string manifest = manifestOf(offer, deviceType);
  for (const std::string& text : keys) {
    const std::vector<unsigned char> key = fromBase64(text);
    if (key.size() != crypto_sign_PUBLICKEYBYTES) continue;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, key.data(), key.size());
    if (toHex(hash, 8) != offer.keyId) continue;
    const auto* message = reinterpret_cast<const unsigned char*>(manifest.data());
    return crypto_sign_verify_detached(signature.data(), message, manifest.size(), key.data()) == 0;
  }
  return false;
}

/** What decides whether an offer is taken. */
struct Installed {
  std::string deviceType;
  std::string version;
  int64_t sequence;  // of the newest image that has worked here
  int64_t slotSize;  // bytes
  std::vector<std::string> keys;
};

/** @param now "2026-11-27T06:40:00.000Z" @returns why the offer is not taken; "": it is */
inline std::string refusalOf(const Offer& offer, const Installed& installed, const std::string& now) {
  if (!isSigned(offer, installed.deviceType, installed.keys)) return "not signed by a key that this device knows";
  if (offer.sequence < installed.sequence) return "older than what is installed";
  if (!offer.notAfter.empty() && offer.notAfter < now) return "not to be installed any more";
  if (offer.size > installed.slotSize) return "larger than the partition";
  return "";
}
