#include "mapping_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPACITY = 1024 };

/// Free where `start` is zero; `start` is written last and cleared first, because the handler takes no lock.
struct range {
    _Atomic uintptr_t start;
    uintptr_t end;
    char *line;
    int code;
};

static struct range ranges[CAPACITY];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction previous;

static void handle(int number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t address = (uintptr_t)info->si_addr;
    for (int i = 0; i < CAPACITY; i++) {
        uintptr_t start = atomic_load(&ranges[i].start);
        if (start == 0 || address < start || address >= ranges[i].end) continue;
        // Nothing is left to do where even this cannot be written.
        ssize_t written = write(STDERR_FILENO, ranges[i].line, strlen(ranges[i].line));
        (void)written;
        _exit(ranges[i].code);
    }
    // Somebody else's: the access is repeated on return, a signal that was sent has to be sent again.
    sigaction(number, &previous, NULL);
    if (info->si_code <= 0) raise(number);
}

static void install(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

void mapping_guard_watch(const void *start, size_t count, const char *line, int code) {
    pthread_once(&once, install);
    char *copy = strdup(line);
    if (copy == NULL) return;
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < CAPACITY && atomic_load(&ranges[i].start) != 0) i++;
    if (i < CAPACITY) {
        ranges[i].end = (uintptr_t)start + count;
        ranges[i].line = copy;
        ranges[i].code = code;
        atomic_store(&ranges[i].start, (uintptr_t)start);
    } else {
        free(copy);
    }
    pthread_mutex_unlock(&lock);
}

void mapping_guard_forget(const void *start) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPACITY; i++) {
        if (atomic_load(&ranges[i].start) != (uintptr_t)start) continue;
        atomic_store(&ranges[i].start, 0);
        free(ranges[i].line);
        break;
    }
    pthread_mutex_unlock(&lock);
}
