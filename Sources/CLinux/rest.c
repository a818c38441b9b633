// Waiting for a long time with little memory: a container that is created and not
// started yet holds no more than what it goes on with.

#define _GNU_SOURCE
#include "clinux.h"
#include "direct.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

// The linker's: where the file's header is mapped.
extern const char __ehdr_start[];

// Of an entry of /proc/PID/pagemap.
#define PAGE_PRESENT (1ULL << 63)
#define PAGE_OF_FILE (1ULL << 61)

typedef struct {
    uintptr_t start, end;
} range;

// The parts of the program's file that are mapped: its texts, and its data up to
// where the file ends.
static int find_parts(range texts[], int most, range *data) {
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)__ehdr_start;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)(__ehdr_start + header->e_phoff);
    uintptr_t base = header->e_type == ET_DYN ? (uintptr_t)__ehdr_start : 0;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    int count = 0;
    data->start = data->end = 0;
    for (int index = 0; index < header->e_phnum; index++, part++) {
        if (part->p_type != PT_LOAD) continue;
        range found = {(base + part->p_vaddr) & ~(page - 1),
                       (base + part->p_vaddr + part->p_filesz + page - 1) & ~(page - 1)};
        if (part->p_flags & PF_W) {
            // One, or the constant ones apart; nothing else lies between.
            if (data->start == 0) data->start = found.start;
            data->end = found.end;
        } else if (count < most) {
            texts[count++] = found;
        }
    }
    return count;
}

int clinux_open_pagemap(int proc) {
    range data;
    find_parts(0, 0, &data);
    int file = openat(proc, "self/pagemap", O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    off_t place = (off_t)(data.start / (uintptr_t)sysconf(_SC_PAGESIZE) * sizeof(uint64_t));
    if (lseek(file, place, SEEK_SET) == place) return file;
    close(file);
    return -1;
}

// Written pages of a private mapping are the process's own: only what is still the
// file's may go, and the kernel says which those are.
static void release_clean(int pagemap, range data) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint64_t entries[512];
    while (data.start < data.end) {
        size_t size = (data.end - data.start) / page * sizeof *entries;
        if (size > sizeof entries) size = sizeof entries;
        if (read(pagemap, entries, size) != (ssize_t)size) return;
        uintptr_t count = size / sizeof *entries;
        for (uintptr_t first = 0, last; first < count; first = last + 1) {
            for (last = first; last < count; last++) {
                if (!(entries[last] & PAGE_PRESENT) || !(entries[last] & PAGE_OF_FILE)) break;
            }
            if (last > first)
                madvise((void *)(data.start + first * page), (last - first) * page, MADV_DONTNEED);
        }
        data.start += count * page;
    }
}

static void leave(int signal) { call(__NR_exit_group, 128 + signal, 0, 0, 0, 0); }

int clinux_end_by(int signal) {
    struct sigaction action = {.sa_handler = leave};
    return sigaction(signal, &action, NULL);
}

// From the text's release on everything happens in here: whatever is called has its
// page mapped again, with all those around it.
int clinux_open_at_rest(int directory, const char *path, int flags, int pagemap) {
    range texts[8], data;
    int count = find_parts(texts, 8, &data);
    malloc_trim(0);
    if (pagemap >= 0) {
        release_clean(pagemap, data);
        close(pagemap);
    }
    for (int index = 0; index < count; index++)
        call(__NR_madvise, (long)texts[index].start, (long)(texts[index].end - texts[index].start),
             MADV_DONTNEED, 0, 0);
    long result;
    do {
        result = call(__NR_openat, directory, (long)path, flags, 0, 0);
    } while (result == -EINTR);
    if (result >= 0) return (int)result;
    errno = (int)-result;
    return -1;
}
