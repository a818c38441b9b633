// The floor of listing containers: opens and reads the same file in every
// directory of ROOT, and does nothing with it.
//
//   reader ROOT NAME

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **arguments) {
    static char bytes[1 << 16], path[4096];
    if (count != 3) return 2;
    DIR *root = opendir(arguments[1]);
    if (root == NULL) return 1;
    for (struct dirent *entry; (entry = readdir(root)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", entry->d_name, arguments[2]);
        int file = openat(dirfd(root), path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return 1;
        while (read(file, bytes, sizeof bytes) > 0) {
        }
        close(file);
    }
    return 0;
}
