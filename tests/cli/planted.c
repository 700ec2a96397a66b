/*
 * planted NEEDLE-FILE: what memsearch is tested on. Has the needle on its heap, on its stack, in a
 * locked mapping that no process may read and, but for its first 16 bytes, in what was freed; says
 * so; wipes all of it when a line comes; says so, and waits for the end of its input.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 4096 };

static void say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        err(2, "standard output");
}

static void plant(const char *path, char *place, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, place, size) <= 0)
        err(2, "%s", path);
    (void)close(fd);
}

int main(int argc, char **argv)
{
    char stack[SIZE] = "", line[8];
    char *heap = malloc(SIZE), *freed = malloc(SIZE), *other = malloc(SIZE);
    char *locked = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (argc != 2 || heap == NULL || freed == NULL || other == NULL || locked == MAP_FAILED ||
        mlock(locked, SIZE) != 0 || madvise(locked, SIZE, MADV_DONTDUMP) != 0)
        errx(2, "cannot begin");
    plant(argv[1], stack, SIZE);
    plant(argv[1], heap, SIZE);
    plant(argv[1], freed, SIZE);
    plant(argv[1], locked, SIZE);
    if (mprotect(locked, SIZE, PROT_NONE) != 0)
        err(2, "mprotect");
    free(freed); /* its first bytes become the allocator's */
    say("planted\n");
    if (read(STDIN_FILENO, line, sizeof line) <= 0 ||
        mprotect(locked, SIZE, PROT_READ | PROT_WRITE) != 0)
        err(2, "cannot go on");
    freed = malloc(SIZE);
    explicit_bzero(stack, SIZE);
    explicit_bzero(heap, SIZE);
    explicit_bzero(locked, SIZE);
    if (freed != NULL)
        explicit_bzero(freed, SIZE);
    say("wiped\n");
    return (int)read(STDIN_FILENO, line, sizeof line);
}
