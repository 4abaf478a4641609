/* Keeps some files as they are, for a program that is loaded with this library (LD_PRELOAD): what the program writes
   to a kept file goes to another file, and what it reads there is the kept content.

   GOLFSWEEP_KEPT has a line for each kept file: its device, its inode, and the file to which writes go. A path names a
   kept file if it leads to that inode, whatever way it is spelled. Programs that make system calls without the C library
   (statically linked ones, Go) are not redirected. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 64
#define ORIGINAL(name, result, ...) \
    static result (*original)(__VA_ARGS__); \
    if (!original) original = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static struct { unsigned long long device, inode; char *aside; } kept[MOST];
static int count = -1;

__attribute__((constructor)) static void read_table(void) {
    const char *line = getenv("GOLFSWEEP_KEPT");
    int found = 0;
    while (line && *line && found < MOST) {
        unsigned long long device, inode;
        int begin = 0;
        size_t length = strcspn(line, "\n");
        if (sscanf(line, "%llu %llu %n", &device, &inode, &begin) >= 2 && begin > 0) {
            kept[found].device = device;
            kept[found].inode = inode;
            kept[found].aside = strndup(line + begin, length - begin);
            found++;
        }
        line += length;
        if (*line) line++;
    }
    count = found;
}

/* The file to which writes go instead, or NULL for a path that names no kept file. */
static const char *aside_of(int folder, const char *path, int flags) {
    struct stat status;
    int error = errno;
    const char *aside = NULL;
    if (count < 0) read_table();
    if (count > 0 && path && fstatat(folder, path, &status, flags) == 0)
        for (int i = 0; i < count; i++)
            if (kept[i].inode == status.st_ino && kept[i].device == status.st_dev) aside = kept[i].aside;
    errno = error;
    return aside;
}

static int open_plainly(int folder, const char *path, int flags, mode_t mode) {
    ORIGINAL(openat, int, int, const char *, int, ...);
    return original(folder, path, flags, mode);
}

/* Where a file is changed and not written anew, the change is made to a copy. */
static void copy_once(int folder, const char *path, const char *aside) {
    char buffer[65536];
    ssize_t size;
    int error = errno, from, to;
    if (access(aside, F_OK) == 0) return;
    from = open_plainly(folder, path, O_RDONLY | O_CLOEXEC, 0);
    to = open_plainly(AT_FDCWD, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    while (from >= 0 && to >= 0 && (size = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, size) != size) break;
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    errno = error;
}

static int open_redirected(int folder, const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    int is_new = (flags & O_CREAT) && (flags & O_EXCL);
    const char *aside = NULL;
    if (writes && !is_new && (flags & O_TMPFILE) != O_TMPFILE && !(flags & O_PATH)) aside = aside_of(folder, path, 0);
    if (!aside) return open_plainly(folder, path, flags, mode);
    if (!(flags & O_TRUNC)) copy_once(folder, path, aside);
    return open_plainly(AT_FDCWD, aside, flags | O_CREAT, mode ? mode : 0644);
}

#define MODE_ARGUMENT(flags) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE_ARGUMENT(flags) return open_redirected(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT(flags) return open_redirected(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_ARGUMENT(flags) return open_redirected(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_ARGUMENT(flags) return open_redirected(folder, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_redirected(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_redirected(AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char *path, int flags) { return open_redirected(folder, path, flags, 0); }
int __openat64_2(int folder, const char *path, int flags) { return open_redirected(folder, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_redirected(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_redirected(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

/* The path that fopen is given for a mode. */
static const char *stream_path(const char *path, const char *mode) {
    const char *aside = NULL;
    if (mode && strpbrk(mode, "wa+") && !strchr(mode, 'x')) aside = aside_of(AT_FDCWD, path, 0);
    if (!aside) return path;
    if (mode[0] != 'w') copy_once(AT_FDCWD, path, aside);
    return aside;
}

FILE *fopen(const char *path, const char *mode) {
    ORIGINAL(fopen, FILE *, const char *, const char *);
    return original(stream_path(path, mode), mode);
}

FILE *fopen64(const char *path, const char *mode) {
    ORIGINAL(fopen64, FILE *, const char *, const char *);
    return original(stream_path(path, mode), mode);
}

FILE *freopen(const char *path, const char *mode, FILE *stream) {
    ORIGINAL(freopen, FILE *, const char *, const char *, FILE *);
    return original(path ? stream_path(path, mode) : path, mode, stream);
}

FILE *freopen64(const char *path, const char *mode, FILE *stream) {
    ORIGINAL(freopen64, FILE *, const char *, const char *, FILE *);
    return original(path ? stream_path(path, mode) : path, mode, stream);
}

int truncate(const char *path, off_t length) {
    ORIGINAL(truncate, int, const char *, off_t);
    const char *aside = aside_of(AT_FDCWD, path, 0);
    if (aside) copy_once(AT_FDCWD, path, aside);
    return original(aside ? aside : path, length);
}

int truncate64(const char *path, off64_t length) {
    ORIGINAL(truncate64, int, const char *, off64_t);
    const char *aside = aside_of(AT_FDCWD, path, 0);
    if (aside) copy_once(AT_FDCWD, path, aside);
    return original(aside ? aside : path, length);
}

static int unlink_plainly(int folder, const char *path, int flags) {
    ORIGINAL(unlinkat, int, int, const char *, int);
    return original(folder, path, flags);
}

int unlinkat(int folder, const char *path, int flags) {
    return aside_of(folder, path, AT_SYMLINK_NOFOLLOW) ? 0 : unlink_plainly(folder, path, flags);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int remove(const char *path) {
    ORIGINAL(remove, int, const char *);
    return aside_of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW) ? 0 : original(path);
}

static int link_plainly(int folder, const char *path, int new_folder, const char *new_path, int flags) {
    ORIGINAL(linkat, int, int, const char *, int, const char *, int);
    return original(folder, path, new_folder, new_path, flags);
}

/* A kept file that is moved away stays where it is, and is found under its new name, too. */
static int rename_plainly(int folder, const char *path, int new_folder, const char *new_path, unsigned int flags) {
    ORIGINAL(renameat, int, int, const char *, int, const char *);
    static int (*with_flags)(int, const char *, int, const char *, unsigned int);
    if (!flags) return original(folder, path, new_folder, new_path);
    if (!with_flags) with_flags = (int (*)(int, const char *, int, const char *, unsigned int))dlsym(RTLD_NEXT, "renameat2");
    if (with_flags) return with_flags(folder, path, new_folder, new_path, flags);
    errno = ENOSYS;
    return -1;
}

static int rename_redirected(int folder, const char *path, int new_folder, const char *new_path, unsigned int flags) {
    const char *onto = aside_of(new_folder, new_path, AT_SYMLINK_NOFOLLOW);
    if (aside_of(folder, path, AT_SYMLINK_NOFOLLOW)) {
        if (onto) return 0;
        unlink_plainly(new_folder, new_path, 0);
        return link_plainly(folder, path, new_folder, new_path, 0);
    }
    if (onto && !(flags & RENAME_NOREPLACE)) return rename_plainly(folder, path, AT_FDCWD, onto, 0);
    return rename_plainly(folder, path, new_folder, new_path, flags);
}

int rename(const char *path, const char *new_path) { return rename_redirected(AT_FDCWD, path, AT_FDCWD, new_path, 0); }
int renameat(int folder, const char *path, int new_folder, const char *new_path) {
    return rename_redirected(folder, path, new_folder, new_path, 0);
}
int renameat2(int folder, const char *path, int new_folder, const char *new_path, unsigned int flags) {
    return rename_redirected(folder, path, new_folder, new_path, flags);
}

int linkat(int folder, const char *path, int new_folder, const char *new_path, int flags) {
    const char *onto = aside_of(new_folder, new_path, AT_SYMLINK_NOFOLLOW);
    if (!onto) return link_plainly(folder, path, new_folder, new_path, flags);
    unlink_plainly(AT_FDCWD, onto, 0);
    return link_plainly(folder, path, AT_FDCWD, onto, flags);
}

int link(const char *path, const char *new_path) { return linkat(AT_FDCWD, path, AT_FDCWD, new_path, 0); }

int symlinkat(const char *target, int folder, const char *path) {
    ORIGINAL(symlinkat, int, const char *, int, const char *);
    const char *onto = aside_of(folder, path, AT_SYMLINK_NOFOLLOW);
    if (!onto) return original(target, folder, path);
    unlink_plainly(AT_FDCWD, onto, 0);
    return original(target, AT_FDCWD, onto);
}

int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }
