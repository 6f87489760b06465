/**
 * The board: `board IMAGE` puts the image into an empty flash (the folder DEVICE_STORE) and starts what is there, again and
 * again, as the bootloader of an ESP32 with rollback does: an image on trial that has not confirmed itself at the next start is
 * given up for the one before. An image is a program for this PC.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "otadata.h"

static volatile pid_t running = 0;
static volatile sig_atomic_t isEnding = 0;

static void end(int) {
  isEnding = 1;
  if (running > 0) kill(running, SIGTERM);
}

int main(int, char** arguments) {
  const std::string folder = getenv("DEVICE_STORE");
  if (!std::filesystem::exists(folder + "/otadata")) {
    std::filesystem::create_directories(folder + "/littlefs");
    std::filesystem::create_directories(folder + "/nvs");
    std::filesystem::copy_file(arguments[1], slotPath(folder, 0), std::filesystem::copy_options::overwrite_existing);
    // Credentials that a factory wrote, where the test has some.
    for (const auto& [name, key] : {std::pair{"DEVICE_UID", "uid"}, std::pair{"DEVICE_SECRET", "secret"}}) {
      if (const char* value = getenv(name)) std::ofstream(folder + "/nvs/" + key) << value;
    }
    writeOtaData(folder, {});
  }
  signal(SIGTERM, end);
  while (!isEnding) {
    OtaData data = readOtaData(folder);
    if (data.state == "pending") data = {1 - data.slot, "valid"};
    if (data.state == "new") data.state = "pending";
    writeOtaData(folder, data);
    const std::string image = slotPath(folder, data.slot);
    chmod(image.c_str(), 0755);
    const pid_t child = fork();
    if (child == 0) {
      execl(image.c_str(), image.c_str(), nullptr);
      _exit(127);
    }
    running = child;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    running = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == RESTART)) {
      fprintf(stderr, "the image crashed: %d\n", status);
      usleep(100000);
    }
  }
  return 0;
}
