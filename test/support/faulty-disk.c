// Preloaded into a process, so that its database files meet a disk that is slow, full or broken. What the disk does
// is read from a file that the test writes to: three numbers of 32 bits, the delay of a sync in milliseconds, whether
// writes find no space, whether reads fail.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC_DELAY_MS, IS_FULL, FAILS_READING, NUMBERS };

static volatile int32_t *disk;
static const char *folder;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTY_DISK");
  folder = getenv("FAULTY_DISK_FOLDER");
  if (path == NULL || folder == NULL) return;
  int file = open(path, O_RDONLY);
  if (file < 0) return;
  void *mapped = mmap(NULL, NUMBERS * sizeof(int32_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) disk = mapped;
  close(file);
}

// Databases and their logs; not the index of a log (-shm), which is memory.
static int isHit(int file, int number) {
  if (disk == NULL || disk[number] == 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0 && strstr(path, ".db") != NULL && strstr(path, "-shm") == NULL;
}

static void delay(int file) {
  if (isHit(file, SYNC_DELAY_MS)) usleep((useconds_t)disk[SYNC_DELAY_MS] * 1000);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int fsync(int file) {
  REAL(fsync);
  delay(file);
  return real(file);
}

int fdatasync(int file) {
  REAL(fdatasync);
  delay(file);
  return real(file);
}

#define FAILING(result, name, parameters, arguments, number, error) \
  result name parameters { \
    REAL(name); \
    if (isHit(file, number)) { \
      errno = error; \
      return -1; \
    } \
    return real arguments; \
  }

FAILING(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count), IS_FULL, ENOSPC)
FAILING(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, count, at), IS_FULL, ENOSPC)
FAILING(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, count, at), IS_FULL, ENOSPC)
FAILING(ssize_t, read, (int file, void *bytes, size_t count), (file, bytes, count), FAILS_READING, EIO)
FAILING(ssize_t, pread, (int file, void *bytes, size_t count, off_t at), (file, bytes, count, at), FAILS_READING, EIO)
FAILING(ssize_t, pread64, (int file, void *bytes, size_t count, off64_t at), (file, bytes, count, at), FAILS_READING, EIO)
