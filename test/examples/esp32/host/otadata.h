/** Which partition runs, as the bootloader and the image both know it. */
#pragma once

#include <cstdio>
#include <fstream>
#include <string>

struct OtaData {
  int slot = 0;
  std::string state = "valid";  // new, pending, valid
};

inline OtaData readOtaData(const std::string& folder) {
  OtaData data;
  std::ifstream(folder + "/otadata") >> data.slot >> data.state;
  return data;
}

inline void writeOtaData(const std::string& folder, const OtaData& data) {
  std::ofstream(folder + "/otadata.new") << data.slot << ' ' << data.state << '\n';
  rename((folder + "/otadata.new").c_str(), (folder + "/otadata").c_str());
}

inline std::string slotPath(const std::string& folder, int slot) { return folder + "/ota_" + std::to_string(slot); }

/** The exit code of an image that restarts. */
constexpr int RESTART = 42;
