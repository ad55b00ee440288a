/* What a drive with a volatile cache could still have after a power cut. Preloaded into a process, this keeps a copy of
 * every file below POWER_CUT_ROOT as of its last successful fsync, fdatasync or synchronous write, and of every
 * directory's list of names as of its last fsync. sync_file_range counts for nothing, nor does a name that was never
 * synced with its directory. With POWER_CUT_IGNORE_FDATASYNC set fdatasync counts for nothing either.
 *
 * The copies lie in POWER_CUT_COPIES: one file per inode, named by number and birth time because numbers are reused;
 * the root directory's is named "root". A directory's copy has a line "<f or d> <copy> <name>" for each entry. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *copies;

static int copy_name(const char *path, char *name, size_t size, int *is_directory) {
    struct statx s;
    if (statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_INO | STATX_BTIME, &s) != 0) return 0;
    *is_directory = S_ISDIR(s.stx_mode);
    if (!*is_directory && !S_ISREG(s.stx_mode)) return 0;
    if (strcmp(path, root) == 0) return snprintf(name, size, "root") > 0;
    return snprintf(name, size, "%llu-%lld.%u", (unsigned long long)s.stx_ino, (long long)s.stx_btime.tv_sec,
                    s.stx_btime.tv_nsec) > 0;
}

static int copy_file(const char *path, int to) {
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) return 0;
    ssize_t sent;
    while ((sent = sendfile(to, from, NULL, 1 << 30)) > 0) {}
    close(from);
    return sent == 0;
}

static int copy_names(const char *path, int to) {
    DIR *directory = opendir(path);
    if (!directory) return 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char inner[PATH_MAX], name[64];
        int is_directory;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (copy_name(inner, name, sizeof name, &is_directory))
            dprintf(to, "%c %s %s\n", is_directory ? 'd' : 'f', name, entry->d_name);
    }
    closedir(directory);
    return 1;
}

/* Copies the state before the sync; `keep` makes it count once the sync has succeeded. */
static int take(const char *path, char *final) {
    char name[64], taken[PATH_MAX];
    int is_directory;
    size_t length = root && copies ? strlen(root) : 0;
    if (!length || strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != 0)) return 0;
    if (!copy_name(path, name, sizeof name, &is_directory)) return 0;
    snprintf(final, PATH_MAX, "%s/%s", copies, name);
    snprintf(taken, sizeof taken, "%s/taken", copies);
    int to = open(taken, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0) return 0;
    int done = is_directory ? copy_names(path, to) : copy_file(path, to);
    close(to);
    return done;
}

static void keep(const char *final) {
    char taken[PATH_MAX];
    snprintf(taken, sizeof taken, "%s/taken", copies);
    rename(taken, final);
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int recorded_sync(int fd, int (*sync)(int), int counts) {
    char path[PATH_MAX], final[PATH_MAX];
    pthread_mutex_lock(&one_at_a_time);
    int taken = counts && path_of(fd, path) && take(path, final);
    int result = sync(fd);
    if (taken && result == 0) keep(final);
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

int fsync(int fd) { return recorded_sync(fd, REAL(fsync), 1); }
int fdatasync(int fd) { return recorded_sync(fd, REAL(fdatasync), !getenv("POWER_CUT_IGNORE_FDATASYNC")); }

static ssize_t recorded_write(int fd, ssize_t written) {
    char path[PATH_MAX], final[PATH_MAX];
    if (written > 0 && (fcntl(fd, F_GETFL) & O_DSYNC)) {
        pthread_mutex_lock(&one_at_a_time);
        if (path_of(fd, path) && take(path, final)) keep(final);
        pthread_mutex_unlock(&one_at_a_time);
    }
    return written;
}

ssize_t write(int fd, const void *data, size_t size) { return recorded_write(fd, REAL(write)(fd, data, size)); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return recorded_write(fd, REAL(writev)(fd, parts, count));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return recorded_write(fd, REAL(pwrite)(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return recorded_write(fd, REAL(pwrite64)(fd, data, size, at));
}

/* What is there when the process starts has been on the disk for long. */
static void take_all(const char *path) {
    char final[PATH_MAX], inner[PATH_MAX];
    if (take(path, final)) keep(final);
    DIR *directory = opendir(path);
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        take_all(inner);
    }
    closedir(directory);
}

__attribute__((constructor)) static void begin(void) {
    root = getenv("POWER_CUT_ROOT");
    copies = getenv("POWER_CUT_COPIES");
    if (root && copies) take_all(root);
}
