/** The parts of examples/esp32 that know nothing of Arduino. `unit FOLDER` prints a line for each check and exits with 1 if one failed. */
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "device.h"
#include "download.h"

static std::string folder;
static int failures = 0;

static void check(bool isTrue, const char* what, int line) {
  if (!isTrue) ++failures;
  printf("%s %d: %s\n", isTrue ? "ok" : "FAILED", line, what);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static std::string take(SampleQueue& queue, int messageId) {
  std::string line;
  if (!queue.next(line)) return "";
  queue.sent(messageId);
  return line;
}

static void linesLeaveInOrderAfterTheirAcknowledgement() {
  SampleQueue queue(folder + "/order", 9, 2);
  queue.open();
  for (const char* line : {"a", "b", "c"}) queue.add(line);
  CHECK(take(queue, 1) == "a");
  CHECK(take(queue, 2) == "b");
  CHECK(queue.acknowledged(2));
  CHECK(queue.size() == 3);  // a is not acknowledged
  queue.disconnected();
  CHECK(take(queue, 3) == "a");
  CHECK(!queue.acknowledged(1));  // of the connection before
  CHECK(queue.acknowledged(3));
  CHECK(queue.size() == 2);
  CHECK(take(queue, 4) == "b");
  CHECK(take(queue, 5) == "c");
  CHECK(take(queue, 6).empty());
  CHECK(queue.acknowledged(4) && queue.acknowledged(5));
  CHECK(queue.size() == 0);
  queue.add("d");
  CHECK(take(queue, 7) == "d");
}

static void linesSurviveARestart() {
  {
    SampleQueue queue(folder + "/restart", 9, 2);
    queue.open();
    for (const char* line : {"a", "b", "c"}) queue.add(line);
    take(queue, 1);
    take(queue, 2);
    queue.acknowledged(1);
    queue.acknowledged(2);
  }
  // The power went while the next line was written.
  std::ofstream(folder + "/restart/0000000003", std::ios::app) << "d, cut sho";
  SampleQueue queue(folder + "/restart", 9, 2);
  queue.open();
  CHECK(queue.size() == 1);
  queue.add("e");
  CHECK(take(queue, 1) == "c");
  CHECK(take(queue, 2) == "e");
  CHECK(take(queue, 3).empty());
}

static void aFullQueueLosesItsOldestLines() {
  SampleQueue queue(folder + "/full", 3, 2);
  queue.open();
  for (const char* line : {"a", "b", "c", "d", "e", "f"}) queue.add(line);
  CHECK(take(queue, 1) == "a");
  queue.add("g");
  CHECK(queue.dropped() == 2);
  CHECK(queue.size() == 5);
  CHECK(!queue.acknowledged(1));
  CHECK(take(queue, 2) == "c");
  CHECK(queue.acknowledged(2));
  CHECK(queue.size() == 4);
}

static void aFileSystemThatTakesNothingIsCounted() {
  std::ofstream(folder + "/nowhere") << "a file, not a folder";
  SampleQueue queue(folder + "/nowhere", 9);
  queue.open();
  queue.add("a");
  queue.add("b");
  CHECK(queue.dropped() == 2);
  CHECK(queue.size() == 0);
}

static void theJournalKnowsWhatWasAnswered() {
  const std::string path = folder + "/journal";
  {
    CommandJournal journal(path, 3);
    journal.open();
    CHECK(journal.begin("one"));
    journal.finish("one", "{\"a\": 1}");
    journal.begin("two");
  }
  CommandJournal journal(path, 3);
  journal.open();
  CHECK(journal.find("one") != nullptr && journal.find("one")->answer == "{\"a\": 1}");
  CHECK(journal.unfinished() != nullptr && journal.unfinished()->id == "two");
  CHECK(journal.unsent()->id == "one");
  journal.unsent()->messageId = 7;
  CHECK(journal.unsent() == nullptr);
  CHECK(journal.acknowledged(7) && !journal.acknowledged(7));
  journal.finish("two", "{}");
  journal.begin("three");
  journal.begin("four");
  CHECK(journal.find("one") == nullptr);  // the one whose answer has arrived makes room
  CHECK(journal.find("two") != nullptr);
}

struct MemorySlot : Slot {
  std::string flash = std::string(16 * SECTOR * 4, '\x55');
  bool isBroken = false;
  bool erase(size_t offset, size_t length) override {
    memset(&flash[offset], 0xff, length);
    return true;
  }
  bool write(size_t offset, const unsigned char* data, size_t length) override {
    memcpy(&flash[offset], data, length);
    return !isBroken;
  }
  bool read(size_t offset, unsigned char* data, size_t length) override {
    memcpy(data, &flash[offset], length);
    return true;
  }
};

static std::string image(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

static Offer offerOf(const std::string& bytes) {
  unsigned char digest[32];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  Offer offer;
  offer.size = static_cast<int64_t>(bytes.size());
  offer.sha256 = toHex(digest, 32);
  return offer;
}

static bool feed(Download& download, const std::string& bytes, size_t from, size_t to) {
  for (size_t at = from; at < to; at += 1000) {
    const size_t length = std::min<size_t>(1000, to - at);
    if (!download.take(reinterpret_cast<const unsigned char*>(bytes.data()) + at, length)) return false;
  }
  return true;
}

static void aDownloadGoesOnAfterARestart() {
  for (const size_t size : {size_t{1}, SECTOR, 20 * SECTOR + 17, 32 * SECTOR}) {
    const std::string bytes = image(size);
    const Offer offer = offerOf(bytes);
    MemorySlot slot;
    size_t noted = 0;
    {
      Download first(slot, offer, 0, [&noted](size_t written) { noted = written; });
      CHECK(first.answered(206));
      CHECK(feed(first, bytes, 0, size * 9 / 10));
    }
    Download second(slot, offer, noted, [](size_t) {});
    CHECK(second.offset() == noted);
    CHECK(second.answered(206));
    CHECK(feed(second, bytes, second.offset(), size));
    CHECK(second.isComplete() && second.percent() == 100 && second.isGenuine());
    CHECK(slot.flash.compare(0, size, bytes) == 0);
    CHECK(!feed(second, bytes, 0, 1));  // more than the image has
  }
}

static void aDownloadThatIsAnotherIsNotGenuine() {
  std::string bytes = image(10000);
  const Offer offer = offerOf(bytes);
  MemorySlot slot;
  Download download(slot, offer, 0, [](size_t) {});
  bytes[5000] ^= 1;
  CHECK(!download.answered(404));
  CHECK(download.answered(200) && feed(download, bytes, 0, 10000));
  CHECK(!download.isGenuine());
}

static void aServerThatIgnoresRangeStartsOver() {
  const std::string bytes = image(10000);
  const Offer offer = offerOf(bytes);
  MemorySlot slot;
  Download download(slot, offer, 0, [](size_t) {});
  feed(download, bytes, 0, 5000);
  CHECK(download.offset() == 5000);
  CHECK(download.answered(200) && download.offset() == 0);
  CHECK(feed(download, bytes, 0, 10000) && download.isGenuine());
  slot.isBroken = true;
  Download broken(slot, offer, 0, [](size_t) {});
  CHECK(!feed(broken, bytes, 0, 10000));
}

static unsigned char publicKey[32], secretKey[64];

static std::string base64(const unsigned char* bytes, size_t length) {
  char text[256];
  sodium_bin2base64(text, sizeof text, bytes, length, sodium_base64_VARIANT_ORIGINAL);
  return text;
}

static Offer signedOffer() {
  Offer offer = offerOf(image(1000));
  offer.campaignId = 4;
  offer.version = "1.1.0 \"β\"";
  offer.sequence = 12;
  offer.url = "http://127.0.0.1/1";
  unsigned char hash[32], signature[64];
  crypto_hash_sha256(hash, publicKey, 32);
  offer.keyId = toHex(hash, 8);
  const std::string manifest = manifestOf(offer, "sensor");
  crypto_sign_detached(signature, nullptr, reinterpret_cast<const unsigned char*>(manifest.data()), manifest.size(), secretKey);
  offer.signature = base64(signature, 64);
  return offer;
}

static void onlyWhatIsSignedForThisDeviceIsTaken() {
  const Offer offer = signedOffer();
  CHECK(manifestOf(offer, "sensor") ==
        "{\"device_type\":\"sensor\",\"sequence\":12,\"sha256\":\"" + offer.sha256 +
            "\",\"size\":1000,\"version\":\"1.1.0 \\\"β\\\"\"}");
  const Installed installed{"sensor", "1.0.0", 12, 1000, {"", "no base64", base64(publicKey, 32)}};
  const std::string now = "2026-11-27T06:40:00.000Z";
  CHECK(refusalOf(offer, installed, now).empty());
  const auto isRefused = [&](void (*change)(Offer&, Installed&)) {
    Offer other = offer;
    Installed here = installed;
    change(other, here);
    return !refusalOf(other, here, now).empty();
  };
  CHECK(isRefused([](Offer& o, Installed&) { o.version = "1.2.0"; }));
  CHECK(isRefused([](Offer& o, Installed&) { o.size = 999; }));
  CHECK(isRefused([](Offer& o, Installed&) { o.sha256[0] = o.sha256[0] == 'a' ? 'b' : 'a'; }));
  CHECK(isRefused([](Offer& o, Installed&) { o.notAfter = "2027-01-01T00:00:00.000Z"; }));
  CHECK(isRefused([](Offer& o, Installed&) { o.signature = ""; }));
  CHECK(isRefused([](Offer& o, Installed&) { o.keyId = "0000000000000000"; }));
  CHECK(isRefused([](Offer&, Installed& i) { i.deviceType = "pump"; }));
  CHECK(isRefused([](Offer&, Installed& i) { i.keys.pop_back(); }));
  CHECK(refusalOf(offer, {"sensor", "1.0.0", 13, 1000, installed.keys}, now) == "older than what is installed");
  CHECK(refusalOf(offer, {"sensor", "1.0.0", 0, 999, installed.keys}, now) == "larger than the partition");
}

static void jsonThatWouldOverflowTheStackIsNotRead() {
  CHECK(parseObject("{\"a\": [\"[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]}") != nullptr);
  CHECK(parseObject("{\"a\": " + std::string(500, '[') + std::string(500, ']') + "}") == nullptr);
  CHECK(parseObject("[1]") == nullptr && parseObject("{") == nullptr && parseObject("") == nullptr);
  const Json json = parseObject("{\"a\": 1.5, \"b\": -1, \"c\": 9007199254740991, \"d\": \"1\", \"e\": 1e300}");
  CHECK(wholeOf(json, "a") == -1 && wholeOf(json, "b") == -1 && wholeOf(json, "d") == -1 && wholeOf(json, "e") == -1);
  CHECK(wholeOf(json, "c") == 9007199254740991);
}

/** A device whose hooks write down what it does. */
struct Bench {
  SampleQueue samples;
  CommandJournal journal;
  std::vector<std::pair<std::string, std::string>> said;
  std::vector<std::string> begun;
  bool isFull = false;
  int downloads = 0, installs = 0;
  Device* device;

  explicit Bench(const std::string& name, bool isRestart = false) : samples(folder + "/" + name, 9), journal(folder + "/" + name + "/j") {
    if (!isRestart) mkdir((folder + "/" + name).c_str(), 0755);
    samples.open();
    journal.open();
    Hooks hooks;
    hooks.publish = [this](const std::string& channel, const std::string& payload) {
      if (isFull) return -1;
      said.push_back({channel, payload});
      return static_cast<int>(said.size());
    };
    hooks.carryOut = [this](const Command& command) { begun.push_back(command.name + " " + command.params); };
    hooks.keep = [](const Configuration&) {};
    hooks.download = [this](const Offer&) { ++downloads; };
    hooks.install = [this](const Offer&) -> std::string { ++installs; return "no"; };
    device = new Device({"sensor", "1.0.0", 12, 1000, {base64(publicKey, 32)}}, {}, samples, journal, hooks);
  }
  ~Bench() { delete device; }

  std::string last() const { return said.empty() ? "" : said.back().first + " " + said.back().second; }
  int count(const std::string& channel) const {
    int n = 0;
    for (const auto& each : said) n += each.first == channel ? 1 : 0;
    return n;
  }
};

static const int64_t NOW = 1795761600123;
static const char* const ORDER =
    R"({"command_id": "c1", "command": "blink", "params": {"times": 2}, "expires_at": "2026-11-27T12:00:00.000Z"})";

static void theDeviceSaysFirstWhoItIs() {
  Bench bench("hello");
  CHECK(toIso(NOW) == "2026-11-27T06:40:00.123Z");
  Json metrics = newObject();
  set(metrics, "temperature", 21.42);
  bench.device->sample(std::move(metrics), NOW);
  CHECK(bench.said.empty());
  bench.device->connected(NOW);
  CHECK(bench.said.size() == 2);
  CHECK(bench.said[0].second == R"({"status":"ONLINE","firmware_version":"1.0.0"})");
  CHECK(bench.last() == R"(telemetry {"timestamp":1795761600123,"metrics":{"temperature":21.42}})");
  CHECK(!bench.device->hasReported());
  bench.device->acknowledged(1, NOW);
  CHECK(bench.device->hasReported());
  CHECK(bench.samples.size() == 1);
  bench.device->acknowledged(2, NOW);
  CHECK(bench.samples.size() == 0);
}

static void whatIsNotAcknowledgedIsSentAgain() {
  Bench bench("again");
  bench.device->connected(NOW);
  for (int i = 0; i < 30; ++i) bench.device->sample(newObject(), NOW + i);
  CHECK(bench.count("telemetry") == 20);
  bench.device->tick(NOW + 30000);
  CHECK(bench.count("telemetry") == 20);
  bench.device->tick(NOW + 61000);
  CHECK(bench.count("telemetry") == 40 && bench.count("status") == 2);
  bench.device->disconnected();
  bench.isFull = true;
  bench.device->connected(NOW + 62000);
  CHECK(bench.count("telemetry") == 40);
  bench.isFull = false;
  bench.device->tick(NOW + 63000);
  CHECK(bench.count("telemetry") == 60);
}

static void aCommandIsCarriedOutOnce() {
  {
    Bench bench("command");
    bench.device->connected(NOW);
    bench.device->received("command", ORDER, NOW);
    bench.device->received("command", ORDER, NOW);
    CHECK(bench.begun.size() == 1 && bench.begun[0] == "blink {\"times\":2}");
    bench.device->commandProgress(50);
    bench.device->commandProgress(50);
    CHECK(bench.last() == R"(response {"command_id":"c1","status":"progress","progress":50})");
    CHECK(bench.count("response") == 1);
    bench.device->commandDone(true, "{\"blinked\":2}", NOW);
    CHECK(bench.last() == R"(response {"command_id":"c1","status":"success","result":{"blinked":2}})");
    CHECK(bench.begun.size() == 1);
    std::string expired = ORDER;
    expired.replace(expired.find("c1"), 2, "c2").replace(expired.find("12:00"), 5, "01:00");
    bench.device->received("command", expired, NOW);
    CHECK(bench.begun.size() == 1);
    std::string other = ORDER;
    bench.device->received("command", other.replace(other.find("c1"), 2, "c3"), NOW);
    CHECK(bench.begun.size() == 2);
  }
  Bench after("command", true);
  after.device->connected(NOW);
  CHECK(after.last() ==
        R"(response {"command_id":"c3","status":"error","error":"interrupted by a restart of the device"})");
  after.device->received("command", ORDER, NOW);
  CHECK(after.begun.empty());
  CHECK(after.count("response") >= 2);
}

static void tooManyCommandsAreAnswered() {
  Bench bench("many");
  bench.device->connected(NOW);
  bench.device->received("command", ORDER, NOW);
  for (const char* id : {"x1", "x2", "x3"}) {
    const std::string text(15000, 'x');
    bench.device->received("command",
                           std::string("{\"command_id\": \"") + id + "\", \"command\": \"a\", \"params\": {\"t\": \"" + text +
                               "\"}, \"expires_at\": \"2027-01-01T00:00:00.000Z\"}",
                           NOW);
  }
  CHECK(bench.last().find("\"x3\",\"status\":\"error\"") != std::string::npos);
  bench.device->received("command", "{}", NOW);
  CHECK(bench.said.back().first == "log");
}

static void aConfigurationIsAppliedOrRefused() {
  Bench bench("config");
  bench.device->connected(NOW);
  bench.device->received("config", R"({"version": 2, "config": {"interval_seconds": 0.5, "unknown": 1}})", NOW);
  CHECK(bench.device->intervalSeconds() == 0.5);
  CHECK(bench.last() == R"(status {"config_version":2,"config":{"interval_seconds":0.5}})");
  for (const char* interval : {"0", "\"often\"", "86401", "null"}) {
    bench.device->received("config", std::string(R"({"version": 3, "config": {"interval_seconds": )") + interval + "}}", NOW);
    CHECK(bench.device->intervalSeconds() == 0.5);
    CHECK(bench.last().find("\"config_version\":3,\"config\":{\"interval_seconds\":0.5},\"config_error\"") != std::string::npos);
  }
  bench.device->received("config", R"({"version": 4, "config": {}})", NOW);
  CHECK(bench.device->intervalSeconds() == 10);
}

static std::string toJson(const Offer& offer) {
  const Json json = newObject();
  set(json, "campaign_id", static_cast<double>(offer.campaignId));
  set(json, "version", offer.version);
  set(json, "sequence", static_cast<double>(offer.sequence));
  set(json, "url", offer.url);
  set(json, "size", static_cast<double>(offer.size));
  set(json, "sha256", offer.sha256);
  set(json, "signature", offer.signature);
  set(json, "key_id", offer.keyId);
  return print(json);
}

static void anUpdateIsReportedStepByStep() {
  Bench bench("update");
  bench.device->connected(NOW);
  Offer offer = signedOffer();
  offer.version = "another";
  bench.device->received("ota", toJson(offer), NOW);
  CHECK(bench.last() ==
        R"(response {"campaign_id":4,"status":"rejected","error":"not signed by a key that this device knows"})");
  bench.device->received("ota", toJson(signedOffer()), NOW);
  CHECK(bench.last() == R"(response {"campaign_id":4,"status":"downloading","progress":0})");
  bench.device->received("ota", toJson(signedOffer()), NOW);
  CHECK(bench.downloads == 1);
  bench.device->disconnected();
  bench.device->downloadDone("", NOW);
  CHECK(bench.installs == 0);
  bench.device->connected(NOW);
  CHECK(bench.last() == R"(response {"campaign_id":4,"status":"installing","progress":100})");
  bench.device->tick(NOW);
  CHECK(bench.installs == 0);
  bench.device->acknowledged(static_cast<int>(bench.said.size()), NOW);
  CHECK(bench.installs == 1);
  CHECK(bench.last() == R"(response {"campaign_id":4,"status":"error","error":"no"})");
  bench.device->received("ota", toJson(signedOffer()), NOW);
  bench.device->downloadDone("broken", NOW);
  CHECK(bench.last() == R"(response {"campaign_id":4,"status":"error","error":"broken"})");
}

int main(int, char** arguments) {
  folder = arguments[1];
  if (sodium_init() < 0) return 2;
  crypto_sign_keypair(publicKey, secretKey);
  linesLeaveInOrderAfterTheirAcknowledgement();
  linesSurviveARestart();
  aFullQueueLosesItsOldestLines();
  aFileSystemThatTakesNothingIsCounted();
  theJournalKnowsWhatWasAnswered();
  aDownloadGoesOnAfterARestart();
  aDownloadThatIsAnotherIsNotGenuine();
  aServerThatIgnoresRangeStartsOver();
  onlyWhatIsSignedForThisDeviceIsTaken();
  jsonThatWouldOverflowTheStackIsNotRead();
  theDeviceSaysFirstWhoItIs();
  whatIsNotAcknowledgedIsSentAgain();
  aCommandIsCarriedOutOnce();
  tooManyCommandsAreAnswered();
  aConfigurationIsAppliedOrRefused();
  anUpdateIsReportedStepByStep();
  return failures > 0 ? 1 : 0;
}
