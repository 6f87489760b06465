/** An image on its way into the other partition. It goes on where it was cut off, also after a restart. No Arduino in here. */
#pragma once

#include <sodium.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "offer.h"

/** A partition of the flash. Offsets and lengths of `erase` are multiples of a sector. */
struct Slot {
  virtual ~Slot() = default;
  virtual bool erase(size_t offset, size_t length) = 0;
  virtual bool write(size_t offset, const unsigned char* data, size_t length) = 0;
  virtual bool read(size_t offset, unsigned char* data, size_t length) = 0;
};

constexpr size_t SECTOR = 4096;
/** How often it is noted how far the download is, which is a write to NVS. */
constexpr size_t NOTED_EVERY = 16 * SECTOR;

class Download {
 public:
  /**
   * @param noted how much of this very image (by its SHA-256) an earlier run has written; 0: nothing
   * @param note is told how much is written, every now and then
   */
  Download(Slot& slot, const Offer& offer, size_t noted, std::function<void(size_t)> note)
      : slot(slot), offer(offer), note(std::move(note)) {
    startOver();
    unsigned char bytes[SECTOR];
    while (written + SECTOR <= noted && written + SECTOR <= size()) {
      if (!slot.read(written, bytes, SECTOR)) {
        startOver();
        break;
      }
      crypto_hash_sha256_update(&hash, bytes, SECTOR);
      written += SECTOR;
    }
  }

  /** Bytes that are here: the next request asks for what follows. */
  size_t offset() const { return written + sector.size(); }
  bool isComplete() const { return offset() == size(); }
  int percent() const { return static_cast<int>(100.0 * static_cast<double>(offset()) / static_cast<double>(size())); }

  /** Once per answer, before its data. @returns whether the data are the image's */
  bool answered(int status) {
    if (status == 200 && offset() > 0) startOver();  // the server sends it from the start
    return status == 200 || status == 206;
  }

  /** @returns false when the flash fails, or there is more than the image should have */
  bool take(const unsigned char* data, size_t length) {
    if (length > size() - offset()) return false;
    while (length > 0) {
      const size_t part = std::min(length, SECTOR - sector.size());
      sector.insert(sector.end(), data, data + part);
      data += part;
      length -= part;
      if ((sector.size() == SECTOR || isComplete()) && !flush()) return false;
    }
    return true;
  }

  /** Once, when it is complete. @returns whether this is the image that was signed */
  bool isGenuine() {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&hash, digest);
    return isComplete() && toHex(digest, sizeof digest) == offer.sha256;
  }

 private:
  Slot& slot;
  const Offer& offer;
  const std::function<void(size_t)> note;
  crypto_hash_sha256_state hash;
  size_t written = 0;
  std::vector<unsigned char> sector;

  size_t size() const { return static_cast<size_t>(offer.size); }

  void startOver() {
    crypto_hash_sha256_init(&hash);
    written = 0;
    sector.clear();
    sector.reserve(SECTOR);
  }

  bool flush() {
    const size_t length = sector.size();
    crypto_hash_sha256_update(&hash, sector.data(), length);
    sector.resize(SECTOR, 0xff);  // encrypted flash takes whole blocks only
    if (!slot.erase(written, SECTOR) || !slot.write(written, sector.data(), SECTOR)) return false;
    written += length;
    sector.clear();
    if (written % NOTED_EVERY == 0) note(written);
    return true;
  }
};
