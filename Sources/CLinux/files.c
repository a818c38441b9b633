// Files in layers: their extended attributes, and whether two have the same content.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <unistd.h>

// Attributes of a name in an open directory, whatever kind of file it is: by way of
// /proc/self/fd, since the calls that take a descriptor want a file that is open for reading.

enum { PLACE_SIZE = 320 };

// A name has at most 255 bytes. Without one the open file itself is meant.
static int write_place(char place[PLACE_SIZE], int directory, const char *name) {
    int length = name[0] == '\0'
                     ? snprintf(place, PLACE_SIZE, "/proc/self/fd/%d", directory)
                     : snprintf(place, PLACE_SIZE, "/proc/self/fd/%d/%s", directory, name);
    if (length < PLACE_SIZE) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

ssize_t clinux_get_attribute(int directory, const char *name, const char *attribute, void *value,
                             size_t size) {
    char place[PLACE_SIZE];
    if (write_place(place, directory, name) != 0) return -1;
    return name[0] == '\0' ? getxattr(place, attribute, value, size)
                           : lgetxattr(place, attribute, value, size);
}

ssize_t clinux_list_attributes(int directory, const char *name, char *list, size_t size) {
    char place[PLACE_SIZE];
    if (write_place(place, directory, name) != 0) return -1;
    return name[0] == '\0' ? listxattr(place, list, size) : llistxattr(place, list, size);
}

int clinux_set_attribute(int directory, const char *name, const char *attribute, const void *value,
                         size_t size) {
    char place[PLACE_SIZE];
    if (write_place(place, directory, name) != 0) return -1;
    return name[0] == '\0' ? setxattr(place, attribute, value, size, 0)
                           : lsetxattr(place, attribute, value, size, 0);
}

int clinux_remove_attribute(int directory, const char *name, const char *attribute) {
    char place[PLACE_SIZE];
    if (write_place(place, directory, name) != 0) return -1;
    return name[0] == '\0' ? removexattr(place, attribute) : lremovexattr(place, attribute);
}

int clinux_fremovexattr(int fd, const char *name) { return fremovexattr(fd, name); }

int clinux_lock_byte(int fd, int64_t place, int exclusive) {
    struct flock lock = {
        .l_type = exclusive ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = place,
        .l_len = 1,
    };
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int clinux_exchange(int directory, const char *one, const char *other) {
    return renameat2(directory, one, directory, other, RENAME_EXCHANGE);
}

// Where `fd` has data from `at` on; `size` where nothing but a hole is left.
static off_t next_data(int fd, off_t at, off_t size) {
    off_t found = lseek(fd, at, SEEK_DATA);
    if (found < 0 && errno == ENXIO) return size;
    // A file system that knows of no holes.
    if (found < 0 && errno == EINVAL) return at;
    return found < size ? found : size;
}

// Fills `buffer` from `at` on, as far as the file reaches.
static ssize_t read_part(int fd, char *buffer, size_t size, off_t at) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(fd, buffer + done, size - done, at + (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -1;
        if (count == 0) break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

int clinux_same_data(int one, int other, int64_t size) {
    static char first[1 << 16], second[1 << 16];
    off_t at = 0;
    while (at < size) {
        // A hole in both reads as zeros in both.
        off_t here = next_data(one, at, size), there = next_data(other, at, size);
        if (here < 0 || there < 0) return -1;
        at = here < there ? here : there;
        size_t part = sizeof first;
        if (size - at < (off_t)part) part = (size_t)(size - at);
        ssize_t count = read_part(one, first, part, at);
        if (count < 0) return -1;
        ssize_t same = read_part(other, second, part, at);
        if (same < 0) return -1;
        if (count != same || memcmp(first, second, (size_t)count) != 0) return 0;
        if (count < (ssize_t)part) return 1;
        at += (off_t)part;
    }
    return 1;
}
